#pragma once

#include <concepts>
#include <ostream>
#include <string_view>

namespace moe {

/// A count and its noun, for messages: prints "2 sequences", "1 sequence" and "0 sequences". No text is built before it
/// is streamed.
template <std::integral Number>
struct Counted {
  /// The count.
  Number count;
  /// The plural of the noun, which must end in s.
  std::string_view plural;

  /// Writes the number and the noun.
  friend std::ostream& operator<<(std::ostream& out, const Counted& counted) {
    std::string_view noun = counted.plural;
    if (counted.count == 1) noun.remove_suffix(1);
    return out << counted.count << ' ' << noun;
  }
};

/// Makes a Counted, such as counted(rows, "rows").
template <std::integral Number>
constexpr Counted<Number> counted(Number count, std::string_view plural) {
  return {count, plural};
}

}  // namespace moe
