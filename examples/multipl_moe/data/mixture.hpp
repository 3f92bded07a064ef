/// How much of each language a run reads: a fixed share of the sequences, and, as all sequences
/// are equally long, of the tokens.
#pragma once

#include <array>
#include <cstdint>

#include "multipl_moe/data/language.hpp"

namespace multipl_moe {

/// Shares by language; any non-negative numbers, only their ratios matter.
using LanguageWeights = std::array<double, language_count>;

/// `low` to `high` between the low- and the high-resource languages, evenly within each group,
/// counting only those with `present[index_of(language)]`. A group without a language leaves all
/// to the other.
LanguageWeights grouped_weights(double low, double high, const std::array<bool, language_count>& present);

/// The order in which languages take turns. After any n sequences each language has had its exact
/// share of n, give or take less than 1 (Tijdeman's chairman assignment), hence less than 2 in any
/// window. Depends only on the weights.
class Mixture {
 public:
  /// Throws UsageError where a weight is negative or not finite, or none is positive.
  explicit Mixture(const LanguageWeights& weights);

  /// The next sequence's language.
  Language next();
  /// Sequences given out so far, in all and of one language.
  std::int64_t count() const noexcept { return count_; }
  std::int64_t count(Language language) const { return counts_[index_of(language)]; }
  /// Goes to the state after `count` sequences, in at most 2^24 steps.
  void seek(std::int64_t count);

  /// The share that is kept, as rounded to a multiple of 2^-24.
  double share(Language language) const;

 private:
  std::array<std::int64_t, language_count> shares_{};  ///< in units of 2^-24; they sum to 2^24
  std::array<std::int64_t, language_count> counts_{};
  std::int64_t count_ = 0;
};

}  // namespace multipl_moe
