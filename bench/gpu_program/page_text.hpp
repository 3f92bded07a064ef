/// Parts of the text of a stage's page.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace gpu_program {

/// What a figure is measured against.
struct Target {
  double required = 0;
  std::optional<double> goal{};  ///< to be reached after that
  bool at_least = true;          ///< otherwise at most
};

/// How a figure stands to its target. One that is not a number has missed it.
inline std::string verdict_of(double value, const Target& target) {
  const auto reaches = [&](double bar) { return target.at_least ? value >= bar : value <= bar; };
  if (!reaches(target.required)) return "missed";
  return target.goal && reaches(*target.goal) ? "reached, and the goal" : "reached";
}

/// Begins the line of a page that the summary shows, its last.
inline constexpr std::string_view note_mark = "In short: ";

/// The text of that line; empty if the page has none.
inline std::string note_in(std::string_view page) {
  const std::size_t begin = page.rfind("\n" + std::string(note_mark));
  if (begin == std::string_view::npos) return {};
  const std::size_t first = begin + 1 + note_mark.size();
  return std::string(page.substr(first, page.find('\n', first) - first));
}

}  // namespace gpu_program
