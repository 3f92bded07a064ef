/// The share of each language in the sequences of a run and, because all sequences have the same length, in its tokens.
#pragma once

#include <array>
#include <cstdint>

#include "multipl_moe/data/language.hpp"

namespace multipl_moe {

/// Shares by language; any non-negative numbers, only their ratios matter.
using LanguageWeights = std::array<double, language_count>;

/// Weights in the ratio `low` to `high` for the low- and the high-resource languages, divided evenly within each group
/// among the languages with `present[index_of(language)]`. If a group has no language, the other gets everything.
LanguageWeights grouped_weights(double low, double high, const std::array<bool, language_count>& present);

/// The order of the languages of sequences. After any n sequences the count of each language differs from its exact
/// share of n by less than 1 (Tijdeman's chairman assignment), hence by less than 2 in any window. Depends only on the
/// weights.
class Mixture {
 public:
  /// Throws UsageError if a weight is negative or not finite, or none is positive.
  explicit Mixture(const LanguageWeights& weights);

  /// Advances to the next sequence and returns its language.
  Language next();
  /// Number of sequences so far, in total and of one language.
  std::int64_t count() const noexcept { return count_; }
  std::int64_t count(Language language) const { return counts_[index_of(language)]; }
  /// Restores the state after `count` sequences, in at most 2^24 steps.
  void seek(std::int64_t count);

  /// The language's share, rounded to a multiple of 2^-24.
  double share(Language language) const;

 private:
  std::array<std::int64_t, language_count> shares_{};  ///< in units of 2^-24; they sum to 2^24
  std::array<std::int64_t, language_count> counts_{};
  std::int64_t count_ = 0;
};

}  // namespace multipl_moe
