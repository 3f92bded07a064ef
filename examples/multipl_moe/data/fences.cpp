#include "multipl_moe/data/fences.hpp"

#include <algorithm>

namespace multipl_moe {

namespace {

constexpr std::string_view fence_blanks = " \t\r";

/// A line of fence marks and the text after them.
struct Fence {
  std::size_t marks = 0;  ///< 0: the line is not a fence
  char mark = 0;
  std::string_view behind;  ///< without blanks around it
};

Fence fence_in(std::string_view line) {
  const std::size_t indent = std::min(line.find_first_not_of(' '), line.size());
  line.remove_prefix(indent);
  if (indent > 3 || line.empty() || (line[0] != '`' && line[0] != '~')) return {};
  const std::size_t marks = std::min(line.find_first_not_of(line[0]), line.size());
  if (marks < 3) return {};
  Fence fence{marks, line[0], line.substr(marks)};
  fence.behind.remove_prefix(std::min(fence.behind.find_first_not_of(fence_blanks), fence.behind.size()));
  fence.behind = fence.behind.substr(0, fence.behind.find_last_not_of(fence_blanks) + 1);
  return fence;
}

}  // namespace

std::optional<Language> FenceReader::read(std::string_view piece) {
  for (const char c : piece)
    if (c == '\n')
      end_line();
    else
      line_ += c;
  return language();
}

void FenceReader::end_line() {
  const Fence fence = fence_in(line_);
  if (fence.marks > 0 && marks_ > 0) {
    if (fence.mark == mark_ && fence.marks >= marks_ && fence.behind.empty()) marks_ = 0;
  } else if (fence.marks > 0 && (fence.mark == '~' || fence.behind.find('`') == std::string_view::npos)) {
    // A backtick after the opening backticks makes them inline code, such as ```this```.
    marks_ = fence.marks;
    mark_ = fence.mark;
    inside_ = language_tagged(fence.behind.substr(0, fence.behind.find_first_of(fence_blanks)));
  }
  line_.clear();
}

}  // namespace multipl_moe
