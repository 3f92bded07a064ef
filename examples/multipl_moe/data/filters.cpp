#include "multipl_moe/data/filters.hpp"

#include <algorithm>

#include "multipl_moe/io/utf8.hpp"

namespace multipl_moe {

namespace {

constexpr std::int64_t longest_mean_line = 100;
constexpr std::int64_t longest_line = 1000;
constexpr std::int64_t least_alphanumeric_percent = 25;

/// Characters are code points; line breaks end lines and are not part of them.
struct TextCounts {
  std::int64_t characters = 0;
  std::int64_t alphanumeric = 0;
  std::int64_t line_breaks = 0;
  std::int64_t lines = 0;  ///< including a last line without a line break
  std::int64_t longest = 0;
};

bool is_alphanumeric(char first_byte) {
  const auto byte = static_cast<unsigned char>(first_byte);
  return byte >= 0x80 || (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z');
}

/// Empty if `text` is not UTF-8.
std::optional<TextCounts> counts_of(std::string_view text) {
  TextCounts counts;
  std::int64_t line = 0;
  while (!text.empty()) {
    const std::size_t bytes = code_point_bytes(text);
    if (bytes == 0) return std::nullopt;
    ++counts.characters;
    counts.alphanumeric += is_alphanumeric(text.front());
    const bool ends_line = text.front() == '\n';
    line = ends_line ? 0 : line + 1;
    counts.longest = std::max(counts.longest, line);
    text.remove_prefix(bytes);
    counts.line_breaks += ends_line;
    counts.lines += ends_line || text.empty();
  }
  return counts;
}

}  // namespace

std::string_view name_of(Filter filter) {
  constexpr std::array<std::string_view, all_filters.size()> names{
      "unreadable", "empty", "too_large", "not_utf8", "long_lines", "few_alphanumeric", "duplicate", "near_duplicate"};
  return names[index_of(filter)];
}

std::optional<Filter> filtered_by(std::string_view text) {
  if (text.empty()) return Filter::empty;
  if (text.size() > largest_source) return Filter::too_large;
  const auto counts = counts_of(text);
  if (!counts) return Filter::not_utf8;
  if (counts->longest > longest_line || counts->characters - counts->line_breaks > longest_mean_line * counts->lines)
    return Filter::long_lines;
  if (counts->alphanumeric * 100 < counts->characters * least_alphanumeric_percent) return Filter::few_alphanumeric;
  return std::nullopt;
}

}  // namespace multipl_moe
