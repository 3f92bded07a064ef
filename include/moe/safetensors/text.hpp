#pragma once

#include <charconv>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <locale>
#include <ostream>
#include <span>
#include <sstream>
#include <string>

#include "moe/core/require.hpp"

namespace moe::io::detail {

/// The parts printed one after another. One function for all messages, as for require().
[[gnu::cold, gnu::noinline]] inline std::string joined(std::initializer_list<moe::detail::MessagePart> parts) {
  std::ostringstream text;
  text.imbue(std::locale::classic());
  for (const moe::detail::MessagePart& part : parts) part.print(text, part.value);
  return text.str();
}

/// The text of a message: its parts, independent of the global locale.
template <class... Parts>
std::string text_of(const Parts&... parts) {
  return joined({moe::detail::MessagePart::of(parts)...});
}

/// Prints numbers as "[2, 0, 7]".
template <class Number>
struct Bracketed {
  /// The numbers.
  std::span<const Number> numbers;

  /// Prints them.
  friend std::ostream& operator<<(std::ostream& out, const Bracketed& list) {
    out << '[';
    for (std::size_t i = 0; i < list.numbers.size(); ++i) out << (i > 0 ? ", " : "") << list.numbers[i];
    return out << ']';
  }
};

/// Makes a Bracketed of a tensor's shape.
inline Bracketed<std::int64_t> bracketed(std::span<const std::int64_t> shape) { return {shape}; }

/// Prints the shortest text that reads back as the same number.
template <std::floating_point Real>
struct Shortest {
  /// The number.
  Real value;

  /// Prints it.
  friend std::ostream& operator<<(std::ostream& out, const Shortest& number) {
    const Real size = std::abs(number.value);
    const bool is_long = size != 0 && (size < Real(1e-4) || size >= Real(1e16));
    char text[64];
    const auto end = std::to_chars(text, text + sizeof text, number.value,
                                   is_long ? std::chars_format::scientific : std::chars_format::fixed);
    return out.write(text, end.ptr - text);
  }
};
template <std::floating_point Real>
Shortest(Real) -> Shortest<Real>;

}  // namespace moe::io::detail
