/// What of a source file's bytes is text, and when two texts are one.
#pragma once

#include <string>
#include <string_view>

#include "multipl_moe/data/language.hpp"

namespace multipl_moe {

/// The text as a reader sees it: no byte-order mark, every line ended by one "\n", no white space at a line's end, no
/// blank lines at the file's. Texts of the same normal form are the same text.
std::string normal_form(std::string_view text);

/// `text` from the first line on that is neither blank nor part of a comment: # in Python and Ruby, // and /* */
/// elsewhere. Licenses stand there. All of it where nothing would be left.
std::string_view without_leading_comment(std::string_view text, Language language);

}  // namespace multipl_moe
