#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "moe/core/require.hpp"

namespace moe {

/// Whether `name` matches `pattern`, in which `*` matches any sequence of characters, including dots and the empty one.
inline bool name_matches(std::string_view pattern, std::string_view name) {
  std::size_t p = 0, n = 0, star = std::string_view::npos, resume = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = n;
    } else if (p < pattern.size() && pattern[p] == name[n]) {
      ++p, ++n;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      n = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

/// Selects the weights to train by name, for gradient_for: those that match a pattern of `train` and none of `freeze`.
struct TrainByName {
  /// Patterns of the names of weights that train.
  std::vector<std::string> train{"*"};
  /// Patterns of the names of frozen weights; takes precedence over `train`.
  std::vector<std::string> freeze{};

  /// Whether the weight with this name trains.
  bool operator()(std::string_view name) const { return fits_any(train, name) && !fits_any(freeze, name); }
  /// Throws Error if a pattern matches none of `names`: it is most likely misspelled, and a weight that it should
  /// freeze would train. gradient_for() calls this with a layer's weight names.
  void require_matches(const std::vector<std::string>& names) const {
    for (const auto* patterns : {&train, &freeze})
      for (const std::string& pattern : *patterns)
        require(std::any_of(names.begin(), names.end(),
                            [&](const std::string& name) { return name_matches(pattern, name); }),
                "TrainByName", "every pattern must match a weight, \"", pattern, "\" matches none of ", names.size(),
                some_of(names));
  }

 private:
  /// The first, the middle and the last name, for the error message.
  static std::string some_of(const std::vector<std::string>& names) {
    if (names.empty()) return {};
    std::string text = ", such as " + names.front();
    if (names.size() > 2) text += ", " + names[names.size() / 2];
    if (names.size() > 1) text += ", " + names.back();
    return text;
  }
  static bool fits_any(const std::vector<std::string>& patterns, std::string_view name) {
    for (const std::string& pattern : patterns)
      if (name_matches(pattern, name)) return true;
    return false;
  }
};

}  // namespace moe
