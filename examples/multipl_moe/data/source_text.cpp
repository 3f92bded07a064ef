#include "multipl_moe/data/source_text.hpp"

#include <algorithm>

#include "multipl_moe/io/utf8.hpp"

namespace multipl_moe {

namespace {

constexpr std::string_view blanks = " \t\v\f\r";

/// Removes the first line of `rest` and returns it without its line end: "\n", "\r\n" or "\r".
std::string_view take_line(std::string_view& rest) {
  const std::size_t end = rest.find_first_of("\r\n");
  const std::string_view line = rest.substr(0, end);
  if (end == rest.npos) {
    rest = {};
  } else {
    rest.remove_prefix(end + (rest.substr(end).starts_with("\r\n") ? 2 : 1));
  }
  return line;
}

/// Whether a line is blank or consists of comments. `in_comment`: whether a /* comment is open at the start of the
/// line; updated to its end.
bool is_blank_or_comment(std::string_view line, Language language, bool& in_comment) {
  const bool has_hashes = language == Language::python || language == Language::ruby;
  for (;;) {
    if (in_comment) {
      const std::size_t end = line.find("*/");
      if (end == line.npos) return true;
      line.remove_prefix(end + 2);
    }
    line.remove_prefix(std::min(line.find_first_not_of(blanks), line.size()));
    in_comment = !has_hashes && line.starts_with("/*");
    if (!in_comment) return line.empty() || line.starts_with(has_hashes ? "#" : "//");
    line.remove_prefix(2);
  }
}

}  // namespace

std::string normal_form(std::string_view text) {
  text = without_mark(text);
  std::string normal;
  normal.reserve(text.size() + 1);
  std::size_t end_of_text = 0;
  while (!text.empty()) {
    std::string_view line = take_line(text);
    line = line.substr(0, line.find_last_not_of(blanks) + 1);
    normal.append(line).push_back('\n');
    if (!line.empty()) end_of_text = normal.size();
  }
  normal.resize(end_of_text);
  return normal;
}

std::string_view without_leading_comment(std::string_view text, Language language) {
  bool in_comment = false;
  for (std::string_view rest = text; !rest.empty();) {
    const std::string_view from_here = rest;
    if (!is_blank_or_comment(take_line(rest), language, in_comment)) return from_here;
  }
  return text;
}

}  // namespace multipl_moe
