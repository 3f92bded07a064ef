#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace moe {

/// Whether `name` fits `pattern`, in which `*` stands for any run of characters, dots included.
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

/// Chooses weights by name, for gradient_for: those that fit a pattern of `train` and none of `freeze`.
struct TrainByName {
  /// Patterns of names that train.
  std::vector<std::string> train{"*"};
  /// Patterns of names that do not, whatever `train` says.
  std::vector<std::string> freeze{};

  /// Whether the weight of that name trains.
  bool operator()(std::string_view name) const { return fits_any(train, name) && !fits_any(freeze, name); }

 private:
  static bool fits_any(const std::vector<std::string>& patterns, std::string_view name) {
    for (const std::string& pattern : patterns)
      if (name_matches(pattern, name)) return true;
    return false;
  }
};

}  // namespace moe
