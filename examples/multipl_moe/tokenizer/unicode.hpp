/// What happens to a text's characters before it is cut into words.
#pragma once

#include <string>
#include <string_view>

namespace multipl_moe {

/// `text`, or, where it is not UTF-8, a copy in `storage` in which each maximal part of a broken character is U+FFFD,
/// as Python's bytes.decode(errors="replace") has it (Unicode 3.9, "U+FFFD substitution of maximal subparts").
std::string_view as_utf8(std::string_view text, std::string& storage);

/// `text`, which is UTF-8, in Unicode's normal form C: `text` itself where it is so already as far as a quick look
/// tells, else a copy in `storage`. Throws std::bad_alloc.
std::string_view as_nfc(std::string_view text, std::string& storage);

/// `text`, which is UTF-8, for a regular expression that asks for letters, marks and numbers: where it holds some that
/// Unicode has since version 15, a copy in `storage` in which older ones of the same kind and length stand for them.
/// PCRE2 knows those from its release 10.43 on at the earliest; results must not depend on its release.
std::string_view with_older_characters(std::string_view text, std::string& storage);

}  // namespace multipl_moe
