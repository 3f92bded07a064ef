#pragma once

#include <concepts>
#include <ostream>
#include <string_view>

namespace moe {

/// How many of what, for messages: reads as "2 sequences", "1 sequence" and "0 sequences". Nothing is built before it
/// is streamed.
template <std::integral Number>
struct Counted {
  /// How many.
  Number count;
  /// Of what, in a plural that ends in s.
  std::string_view plural;

  /// Writes the number and the noun.
  friend std::ostream& operator<<(std::ostream& out, const Counted& counted) {
    std::string_view noun = counted.plural;
    if (counted.count == 1) noun.remove_suffix(1);
    return out << counted.count << ' ' << noun;
  }
};

/// That many of these: counted(rows, "rows").
template <std::integral Number>
constexpr Counted<Number> counted(Number count, std::string_view plural) {
  return {count, plural};
}

}  // namespace moe
