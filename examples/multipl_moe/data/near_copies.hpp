/// Near-duplicate detection: texts that differ in a license or in some edited lines. They are frequent in a corpus of
/// code, and a held-out text with a near duplicate in the training data measures memorization.
///
/// A text is represented by the set of its shingles of five consecutive words. Words are runs of letters, digits,
/// underscores and bytes beyond ASCII, so that white space and punctuation do not count. The leading comment of a file
/// is left out. The similarity of two texts is the Jaccard index of their sets: shared shingles divided by all shingles
/// of both.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "multipl_moe/data/language.hpp"

namespace multipl_moe {

/// The MinHash sketch by which a text is compared.
struct TextSketch {
  /// The lowest hash in each of 128 bins of shingles; an empty bin is filled from its right neighbor. The probability
  /// that a bin agrees in two texts is their similarity.
  std::array<std::uint32_t, 128> minima{};
  /// The lowest hashes of all shingles, ascending.
  std::vector<std::uint32_t> lowest;
  /// Whether `lowest` has the hashes of all shingles.
  bool is_whole = true;
};

/// Number of hashes kept per text while all texts are read; a sketch takes 1.5 KiB in total.
inline constexpr std::size_t kept_hashes = 256;

TextSketch sketch_of(std::string_view text, Language language, std::size_t most_hashes = kept_hashes);

/// Similarity of two texts, in [0, 1]: exact if both sketches are whole, otherwise an estimate with a standard
/// deviation of at most 0.032 for 256 hashes.
double similarity(const TextSketch& left, const TextSketch& right);

struct NearCopies {
  std::vector<bool> is_copy;     ///< whether a text is a near copy of an earlier one that is kept
  std::int64_t comparisons = 0;  ///< number of pairs of sketches compared
};

/// Finds the texts whose similarity to an earlier, kept text is at least `threshold`, which is in [0.5, 1]. Two texts
/// are compared if all four bins of at least one of 32 bands agree, which has the probability 1 - (1 - s^4)^32 at
/// similarity s: 0.99 at 0.6, 0.9998 at 0.7. A text is compared with at most four others per band, so that the number
/// of comparisons is linear in the number of texts. If truncated sketches leave the decision open, whole sketches
/// decide; `whole_sketch` computes the one of the text with a given index.
NearCopies find_near_copies(std::span<const TextSketch> texts, double threshold,
                            const std::function<TextSketch(std::size_t)>& whole_sketch);

}  // namespace multipl_moe
