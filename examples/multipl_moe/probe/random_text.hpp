/// Lines of independent random letters: how much of such a text can be known in advance is known exactly.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>

#include "multipl_moe/statistics/draws.hpp"

namespace multipl_moe::probe {

struct Alphabet {
  std::string_view name, letters;

  /// Entropy of a letter.
  double bits() const { return std::log2(static_cast<double>(letters.size())); }
};
/// The second one is for tokenizers in which two hexadecimal digits can be one token, but every decimal digit is one.
inline constexpr std::array alphabets{Alphabet{"hex", "0123456789abcdef"}, Alphabet{"decimal", "0123456789"}};

inline constexpr std::int64_t letters_of_line = 63, bytes_of_line = letters_of_line + 1;

/// What a text is for. With the same seed, training never sees a text that a probe scores.
enum class TextUse : std::uint32_t { training = 1, probing = 2 };

/// `count` lines of letters_of_line letters and a line end, each letter uniform and independent of all others. `number`
/// tells the texts of one seed apart; below 2^24.
inline std::string random_lines(const Alphabet& alphabet, std::int64_t count, std::uint64_t seed, TextUse use,
                                std::uint32_t number = 0) {
  statistics::Draws draws(seed, static_cast<std::uint32_t>(use) << 24 | number);
  std::string text;
  for (std::int64_t line = 0; line < count; ++line) {
    for (std::int64_t i = 0; i < letters_of_line; ++i)
      text += alphabet.letters[static_cast<std::size_t>(draws.below(alphabet.letters.size()))];
    text += '\n';
  }
  return text;
}

}  // namespace multipl_moe::probe
