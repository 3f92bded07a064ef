/// The normal form of source texts, by which they are compared.
#pragma once

#include <string>
#include <string_view>

#include "multipl_moe/data/language.hpp"

namespace multipl_moe {

/// The text without a byte-order mark, with "\n" at the end of every line, without white space at line ends and without
/// blank lines at the end. Texts with the same normal form are the same text.
std::string normal_form(std::string_view text);

/// `text` from the first line on that is neither blank nor part of a comment: # in Python and Ruby, // and /* */ in
/// other languages. Leading comments are usually licenses. All of `text` if nothing would be left.
std::string_view without_leading_comment(std::string_view text, Language language);

}  // namespace multipl_moe
