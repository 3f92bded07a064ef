/// What a causal model can know of independent random letters, and how unlikely it is to know more.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace multipl_moe::probe {

/// Scores of letters that are uniform and independent of everything before them.
struct LetterScores {
  std::int64_t alphabet = 16;  ///< number of different letters, A
  std::int64_t letters = 0;    ///< scored, n
  std::int64_t hits = 0;       ///< letters that were the most probable next token
  double bits = 0;             ///< sum of -log2 p(letter)
};

/// Bits below the n log2 A that a causal model needs on average; negative for one that needs more.
inline double bits_saved(const LetterScores& scores) {
  return static_cast<double>(scores.letters) * std::log2(static_cast<double>(scores.alphabet)) - scores.bits;
}

/// -log2 of a bound on the probability that a causal model has so many hits: each has the probability 1 / A at most,
/// whatever came before, so that the bound of Chernoff for n independent draws holds.
inline double surprise_of_hits(const LetterScores& scores) {
  if (scores.letters == 0) return 0;
  const double share = static_cast<double>(scores.hits) / static_cast<double>(scores.letters);
  const double most = 1 / static_cast<double>(scores.alphabet);
  if (share <= most) return 0;
  const double missed = share < 1 ? (1 - share) * std::log2((1 - share) / (1 - most)) : 0;
  return static_cast<double>(scores.letters) * (share * std::log2(share / most) + missed);
}

/// A causal model has these scores or better ones with a probability of at most 2^-surprise. Of the bits, the bound is
/// that of Markov: the mean of 2^bits_saved is at most 1, since p sums to at most 1 over the letters. One bit is taken
/// off, since the better of two measures counts. Not a number for bits that are none.
inline double surprise(const LetterScores& scores) {
  const double saved = bits_saved(scores);
  return std::isnan(saved) ? saved : std::max(0.0, std::max(saved, surprise_of_hits(scores)) - 1);
}

/// Above this a leak is proved: the probability is below one in a million.
inline constexpr double surprise_of_proof = 20;

}  // namespace multipl_moe::probe
