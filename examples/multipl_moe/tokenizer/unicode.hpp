/// Preprocessing of a text's characters before it is split into words.
#pragma once

#include <string>
#include <string_view>

namespace multipl_moe {

/// `text` or, if it is not UTF-8, a copy in `storage` in which each maximal part of an invalid character is replaced by
/// U+FFFD, as in Python's bytes.decode(errors="replace") (Unicode 3.9, "U+FFFD substitution of maximal subparts").
std::string_view as_utf8(std::string_view text, std::string& storage);

/// `text`, which must be UTF-8, in Unicode's normalization form C (NFC): `text` itself if a quick check finds it
/// normalized, otherwise a copy in `storage`. Throws std::bad_alloc.
std::string_view as_nfc(std::string_view text, std::string& storage);

/// `text`, which must be UTF-8, for a regular expression with classes of letters, marks and numbers: if it contains
/// some that Unicode has had since version 15, a copy in `storage` in which they are replaced by older ones of the same
/// kind and length. PCRE2 supports the newer ones from release 10.43 on at the earliest, and results must not depend on
/// the release.
std::string_view with_older_characters(std::string_view text, std::string& storage);

}  // namespace multipl_moe
