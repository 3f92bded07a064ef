/// Which claims the scores show, contradict or leave undecided.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "multipl_moe/reproduce/claims.hpp"
#include "multipl_moe/reproduce/routed_sequences.hpp"
#include "multipl_moe/reproduce/run_scores.hpp"
#include "multipl_moe/statistics/comparison.hpp"

namespace multipl_moe::reproduce {

enum class Track {
  exercises,  ///< pass@1, compared by problem
  text,       ///< bits per byte of real code, compared by seed
  routing     ///< a measure of one system's routing, compared with its margin
};

enum class Verdict {
  shown,         ///< the same sign in every seed, an interval without the bound, corrected p < 0.05, beyond the margin
  contradicted,  ///< the same on the other side
  undecided,
  not_measured  ///< a system or a language of it has no scores
};

/// A claim's system beside one other, or a measure of its routing, in one group of languages.
struct JudgedComparison {
  std::string b;  ///< empty for routing
  std::string languages;
  Verdict verdict = Verdict::not_measured;
  std::size_t seeds = 0;
  /// Of the advantages of a, or of its losses if the claim is `worse`: in points of pass@1, or in bits per byte, of
  /// which fewer are better. Of routing: the measure itself. Empty if not measured.
  std::optional<statistics::Comparison> advantage;
  double corrected_p = 1;  ///< Holm's, over all comparisons of the claim's family and track
  /// For undecided ones: the smallest advantage that would have been called shown with a probability of 80 %. Empty
  /// for routing, and with one seed, which can show nothing.
  std::optional<double> smallest_seen;
  std::string note{};  ///< of a measure of routing: what chance gives
};

struct JudgedClaim {
  const Claim* claim = nullptr;
  Track track = Track::exercises;
  /// Shown if all comparisons are, contradicted if one is.
  Verdict verdict = Verdict::not_measured;
  std::vector<JudgedComparison> comparisons;
};

/// What the advantages or measures of a claim are compared with, besides its margin.
double bound_of(const Claim& claim, Track track);

/// The claims about scores, each on every track that it has, and those about routing. Systems are compared on the seeds
/// that both were scored with. Throws UsageError if they have other problems, or traces of other text.
std::vector<JudgedClaim> judge(std::span<const Claim> claims, const AllScores& scores, const AllRouting& routing,
                               std::int64_t resamples = statistics::usual_resamples);

std::string_view name_of(Track track);
std::string_view name_of(Verdict verdict);

}  // namespace multipl_moe::reproduce
