/// Texts that are almost one another: a license changed, some lines edited. A corpus of code is full of them, and
/// held-out text with such a twin in training measures memory.
///
/// A text is the set of its shingles, each five words in a row; words are runs of letters, digits, underscores and
/// bytes beyond ASCII, so that white space and punctuation do not count. The comment that a file begins with is left
/// out. Texts are as similar as their sets: shared shingles by all shingles of both (Jaccard).
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

/// What is kept of a text to compare it by.
struct TextSketch {
  /// The least hash in each of 128 bins of shingles; an empty bin has its right neighbor's. Each bin agrees in two
  /// texts with a probability that is their similarity.
  std::array<std::uint32_t, 128> minima{};
  /// The least hashes of all shingles, ascending.
  std::vector<std::uint32_t> lowest;
  /// `lowest` has all of them.
  bool is_whole = true;
};

/// How many of a text's hashes are kept while others are read: 1.5 KiB a text in all.
inline constexpr std::size_t kept_hashes = 256;

TextSketch sketch_of(std::string_view text, Language language, std::size_t most_hashes = kept_hashes);

/// How similar two texts are, in [0, 1]: exact where both sketches are whole, otherwise an estimate, with a deviation
/// of at most 0.032 from 256 hashes.
double similarity(const TextSketch& left, const TextSketch& right);

struct NearCopies {
  std::vector<bool> is_copy;     ///< of an earlier text that is none itself
  std::int64_t comparisons = 0;  ///< of two sketches
};

/// Which texts are at least `threshold` similar to an earlier one that is kept. Two texts are compared where one of 32
/// bands of four bins agrees in all four, which happens at similarity s with probability 1 - (1 - s^4)^32: 0.99 at 0.6,
/// 0.9998 at 0.7. A text is compared with at most four others for each band, so the time is linear in the number of
/// texts. Where sketches leave the answer open, whole ones decide, which `whole_sketch` makes of a text by its place.
/// `threshold` is in [0.5, 1].
NearCopies find_near_copies(std::span<const TextSketch> texts, double threshold,
                            const std::function<TextSketch(std::size_t)>& whole_sketch);

}  // namespace multipl_moe
