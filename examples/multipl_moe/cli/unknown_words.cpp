#include "multipl_moe/cli/unknown_words.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "multipl_moe/io/errors.hpp"

namespace multipl_moe {

namespace {

/// The number of changes that turn `left` into `right`: the Damerau-Levenshtein distance in which no part is changed
/// twice.
std::size_t changes_between(std::string_view left, std::string_view right) {
  std::vector<std::vector<std::size_t>> d(left.size() + 1, std::vector<std::size_t>(right.size() + 1));
  for (std::size_t i = 0; i <= left.size(); ++i)
    for (std::size_t j = 0; j <= right.size(); ++j) {
      if (i == 0 || j == 0) {
        d[i][j] = i + j;
        continue;
      }
      const bool same = left[i - 1] == right[j - 1];
      d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + (same ? 0 : 1)});
      if (i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1])
        d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
    }
  return d[left.size()][right.size()];
}

std::string_view bare(std::string_view word) {
  word.remove_prefix(std::min(word.find_first_not_of('-'), word.size()));
  return word.substr(0, word.find('='));
}

/// The innermost parsed command; the program if there is none.
const CLI::App& chosen(const CLI::App& program) {
  const auto inner = program.get_subcommands();
  return inner.empty() ? program : chosen(*inner.front());
}

}  // namespace

std::vector<std::string> nearest(std::string_view word, const std::vector<std::string>& names) {
  constexpr std::size_t longest = 100;  // a longer word is not compared
  constexpr std::size_t most = 2;
  const std::string_view given = bare(word);
  if (given.empty() || given.size() > longest) return {};
  std::vector<std::pair<std::size_t, std::string>> near;
  for (const std::string& name : names) {
    const std::string_view known = bare(name);
    const std::size_t changes = known.starts_with(given) ? 0 : changes_between(given, known);
    if (3 * changes <= known.size() + 2 && changes < known.size()) near.emplace_back(changes, name);
  }
  std::stable_sort(near.begin(), near.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<std::string> result;
  for (const auto& [changes, name] : near)
    if (result.size() < most && changes <= near.front().first + std::min<std::size_t>(near.front().first, 1))
      result.push_back(name);
  return result;
}

std::string nearest_hint(std::string_view word, const std::vector<std::string>& names) {
  const std::vector<std::string> near = nearest(word, names);
  if (near.empty()) return {};
  return near.size() == 1 ? fmt::format("; the nearest is '{}'", near.front())
                          : fmt::format("; the nearest are '{}' and '{}'", near.front(), near.back());
}

std::string full_name(const CLI::App& command, const std::string& between) {
  const CLI::App* const group = command.get_parent();
  const bool is_outermost = group == nullptr || group->get_parent() == nullptr;
  return is_outermost ? command.get_name() : full_name(*group, between) + between + command.get_name();
}

std::vector<std::string> command_names(const CLI::App& group) {
  std::vector<std::string> names;
  for (const CLI::App* command : group.get_subcommands({})) names.push_back(command->get_name());
  return names;
}

std::vector<std::string> option_names(const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::App* app = &command; app != nullptr; app = app->get_parent())
    for (const CLI::Option* option : app->get_options({}))
      for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  return names;
}

std::optional<std::string> unknown_word(const CLI::App& program, const std::vector<std::string>& words) {
  const CLI::App& command = chosen(program);
  const bool needs_command = !command.get_subcommands({}).empty();
  const std::string name = full_name(command, " ");
  const std::vector<std::string> unknown = program.remaining(true);
  const auto first = std::find_first_of(words.begin(), words.end(), unknown.begin(), unknown.end());
  if (first == words.end()) {
    if (!needs_command) return std::nullopt;
    return fmt::format("a command must follow '{}': {}", name, fmt::join(command_names(command), ", "));
  }
  const std::string shown = escaped(first->substr(0, first->find('=')));
  if (first->starts_with('-'))
    return fmt::format("'{}' is not an option of {}{}", shown, name, nearest_hint(*first, option_names(command)));
  if (needs_command)
    return fmt::format("'{}' is not a command of {}{}", escaped(*first), name,
                       nearest_hint(*first, command_names(command)));
  return fmt::format("'{}' is an unexpected argument of {}", escaped(*first), name);
}

}  // namespace multipl_moe
