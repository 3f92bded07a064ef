/// A parser that meets any bytes: run by libFuzzer (libfuzzer_main.cpp) and, on a committed corpus, by the unit tests
/// (replay_test.cpp). A new one is a file in targets/ and a folder of the same name in corpus/.
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
  /// Whether the parser took the bytes. Throws where it neither did nor refused them with a BadFile, and where what it
  /// gave lacks a property that every value has.
  bool (*takes)(std::string_view bytes);
};

/// Those that are linked in.
inline std::vector<Target>& targets() {
  static std::vector<Target> all;
  return all;
}

/// A variable of this type makes a target known.
struct Registered {
  Registered(std::string name, bool (*takes)(std::string_view)) { targets().push_back({std::move(name), takes}); }
};

/// What `parse` gives; nothing where it throws a BadFile. Other exceptions pass: no bytes may cause them.
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
