/// Catch2 for the tests, version 2 or 3: Debian 12 ships 2.13, newer systems 3.
/// Tests include this file, never Catch2 itself, and use the names of version 3.
#pragma once

#if __has_include(<catch2/catch_all.hpp>)

#include <catch2/catch_all.hpp>

#else

#include <catch2/catch.hpp>

#include <string>

namespace Catch {

using Detail::Approx;

namespace Matchers {

inline auto ContainsSubstring(const std::string& text, CaseSensitive::Choice choice = CaseSensitive::Yes) {
  return Contains(text, choice);
}

inline auto MessageMatches(const std::string& text) { return Message(text); }

}  // namespace Matchers
}  // namespace Catch

#endif
