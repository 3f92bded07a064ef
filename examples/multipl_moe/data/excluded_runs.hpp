/// Keeps the problems of benchmarks out of training text.
///
/// The tokens of a text are its words, which are runs of letters, digits, underscores and bytes beyond ASCII, and each
/// other character that is not white space. A run is 13 consecutive tokens, as in the decontamination of GPT-3.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "multipl_moe/io/hash.hpp"

namespace multipl_moe {

inline constexpr std::size_t run_tokens = 13;
/// A run in more problems than these is not a problem's own text but a frame, such as the imports before each.
inline constexpr std::size_t most_problems_of_a_run = 10;
/// A run with fewer different names is a list of numbers or letters, as in tests of any program. A name is a word that
/// does not begin with a digit.
inline constexpr std::size_t least_names_of_a_run = 5;

/// Calls f(token) for every token of `text`.
template <class F>
void for_each_source_token(std::string_view text, const F& f) {
  const auto is_of_word = [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 0x80 || c == '_' || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
  };
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = at + 1;
    if (is_of_word(text[at]))
      while (end < text.size() && is_of_word(text[end])) ++end;
    const bool is_space = text[at] == ' ' || (text[at] >= '\t' && text[at] <= '\r');
    if (!is_space) f(text.substr(at, end - at));
    at = end;
  }
}

/// What was looked for of a benchmark.
struct ExcludedBenchmark {
  std::string name;
  std::uint64_t hash = 0;                  ///< of the benchmark's text
  std::int64_t problems = 0;               ///< each in one language
  std::int64_t problems_without_runs = 0;  ///< those that exclude nothing
  std::int64_t runs = 0;                   ///< different ones
};

/// The runs of benchmarks.
class ExcludedRuns {
 public:
  /// Adds the runs of a benchmark in one language. Each of `problems` has the texts of a problem, such as its prompt
  /// and its tests; a run does not extend over two of them. Runs in more than most_problems_of_a_run are left out, and
  /// those with fewer than least_names_of_a_run. Returns the number of problems that have no other run.
  std::int64_t add(std::span<const std::vector<std::string>> problems) {
    std::unordered_map<std::uint64_t, std::size_t> counts;
    std::vector<std::unordered_set<std::uint64_t>> runs_by_problem;
    for (const std::vector<std::string>& texts : problems) {
      std::unordered_set<std::uint64_t>& own = runs_by_problem.emplace_back();
      for (const std::string& text : texts)
        any_run(text, [&own](std::span<const Token> tokens) {
          if (names_in(tokens) >= least_names_of_a_run) own.insert(hash_of_run(tokens));
          return false;
        });
      for (const std::uint64_t run : own) ++counts[run];
    }
    const auto is_kept = [&counts](std::uint64_t run) { return counts.at(run) <= most_problems_of_a_run; };
    std::int64_t without_runs = 0;
    for (const auto& own : runs_by_problem) {
      if (std::none_of(own.begin(), own.end(), is_kept)) ++without_runs;
      std::copy_if(own.begin(), own.end(), std::inserter(runs_, runs_.end()), is_kept);
    }
    return without_runs;
  }

  /// Adds the runs of other benchmarks.
  void add(const ExcludedRuns& others) { runs_.insert(others.runs_.begin(), others.runs_.end()); }

  /// Whether `text` has one of the runs.
  bool is_in(std::string_view text) const {
    return any_run(text, [this](std::span<const Token> tokens) { return runs_.count(hash_of_run(tokens)) > 0; });
  }

  std::size_t size() const noexcept { return runs_.size(); }

 private:
  struct Token {
    std::uint64_t hash = 0;
    std::uint64_t is_name = 0;
  };

  static std::uint64_t hash_of_run(std::span<const Token> tokens) { return hash_of(std::as_bytes(tokens)); }

  static std::size_t names_in(std::span<const Token> tokens) {
    std::unordered_set<std::uint64_t> names;
    for (const Token& token : tokens)
      if (token.is_name != 0) names.insert(token.hash);
    return names.size();
  }

  static bool is_name(std::string_view token) {
    const auto first = static_cast<unsigned char>(token.front());
    return first >= 0x80 || first == '_' || (first >= 'A' && first <= 'Z') || (first >= 'a' && first <= 'z');
  }

  /// Whether is_wanted(tokens) holds for a run of `text`; asks until it does.
  template <class IsWanted>
  static bool any_run(std::string_view text, const IsWanted& is_wanted) {
    std::array<Token, 2 * run_tokens> last{};  // each token twice, so that the last 13 are always contiguous
    std::size_t count = 0;
    bool found = false;
    for_each_source_token(text, [&](std::string_view token) {
      if (found) return;
      const std::size_t place = count++ % run_tokens;
      last[place] = last[place + run_tokens] = {hash_of(token), is_name(token)};
      if (count >= run_tokens) found = is_wanted(std::span<const Token>(last).subspan(place + 1, run_tokens));
    });
    return found;
  }

  std::unordered_set<std::uint64_t> runs_;
};

}  // namespace multipl_moe
