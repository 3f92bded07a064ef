#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "moe/core/require.hpp"

namespace moe {

/// A map from names to values, in insertion order. The error for an unknown name lists the valid ones.
template <class T>
class Names {
 public:
  /// `kind` is the noun for the values in error messages, such as "router".
  explicit Names(std::string kind) : kind_(std::move(kind)) {}

  /// Adds a name, or replaces its value.
  void add(std::string name, T thing) {
    for (auto& [known, meaning] : entries_)
      if (known == name) {
        meaning = std::move(thing);
        return;
      }
    entries_.emplace_back(std::move(name), std::move(thing));
  }
  /// Makes `former`, a name of an older version, an alias of `name`, which must be known. names() does not list it.
  void add_former(std::string former, std::string name) { former_.emplace_back(std::move(former), std::move(name)); }
  /// The value of `name`. Throws Error if the name was not added.
  const T& at(std::string_view name) const {
    for (const auto& [former, current] : former_)
      if (former == name) return at(current);
    for (const auto& [known, thing] : entries_)
      if (known == name) return thing;
    throw Error("[registry] " + kind_ + " must be one of " + list() + ", got \"" + std::string(name) + "\"");
  }
  /// All names, in insertion order.
  std::vector<std::string> names() const {
    std::vector<std::string> result;
    for (const auto& entry : entries_) result.push_back(entry.first);
    return result;
  }

 private:
  std::string list() const {
    std::string result;
    for (const auto& entry : entries_) result += (result.empty() ? "" : ", ") + entry.first;
    return result;
  }

  std::string kind_;
  std::vector<std::pair<std::string, T>> entries_;
  std::vector<std::pair<std::string, std::string>> former_;
};

}  // namespace moe
