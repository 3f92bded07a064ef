/// A fuzz target, a parser that must handle any bytes: run by libFuzzer (libfuzzer_main.cpp) and, on a committed
/// corpus, by the unit tests (replay_test.cpp). A new target is a file in targets/ and a folder of the same name in
/// corpus/.
#pragma once

#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "multipl_moe/io/errors.hpp"

namespace multipl_moe::fuzz {

struct Target {
  std::string name;
  /// Returns whether the parser accepted the bytes. Throws if the parser fails with another exception than BadFile, or
  /// if its result lacks a property that every result must have.
  bool (*takes)(std::string_view bytes);
};

/// The targets that are linked in.
inline std::vector<Target>& targets() {
  static std::vector<Target> all;
  return all;
}

/// A variable of this type registers a target.
struct Registered {
  Registered(std::string name, bool (*takes)(std::string_view)) { targets().push_back({std::move(name), takes}); }
};

/// Returns the result of `parse`, or nothing if it throws a BadFile. Other exceptions propagate: no bytes may cause
/// them.
template <class Parse>
auto value_or_refusal(const Parse& parse) -> std::optional<decltype(parse())> {
  try {
    return parse();
  } catch (const BadFile&) {
    return std::nullopt;
  }
}

inline void require(bool holds, const char* property) {
  if (!holds) throw std::logic_error(std::string("broken: ") + property);
}

}  // namespace multipl_moe::fuzz
