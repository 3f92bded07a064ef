/// Texts that differ only after a cut, and the comparison of the predictions before it.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "multipl_moe/tokenizer/token.hpp"

namespace multipl_moe {

/// Numbers of leading tokens that stay when all later ones are replaced: at the borders of segments of `window` tokens,
/// one token after a border, inside of segments, and at both ends of a text of `length` tokens. Ascending, each from 1
/// to length - 1; empty for a text of one token.
inline std::vector<std::int64_t> suffix_cuts(std::int64_t length, std::int64_t window) {
  std::vector<std::int64_t> cuts;
  for (const std::int64_t cut : {std::int64_t{1}, window / 2, window, window + 1, window + window / 2, length - 1})
    if (cut >= 1 && cut < length) cuts.push_back(cut);
  std::sort(cuts.begin(), cuts.end());
  cuts.erase(std::unique(cuts.begin(), cuts.end()), cuts.end());
  return cuts;
}

/// Replaces each token in [begin, end) of `text` by another one of the `vocabulary` first ids, at least 2.
inline void replace_tokens(std::span<Token> text, std::int64_t begin, std::int64_t end, std::int64_t vocabulary) {
  constexpr std::int64_t step = 7919;  // a prime, so that neighbors are replaced by tokens far apart
  for (std::int64_t t = begin; t < end; ++t) {
    Token& token = text[static_cast<std::size_t>(t)];
    token = static_cast<Token>((token + 1 + t * step % (vocabulary - 1)) % vocabulary);
  }
}

/// What became of predictions when later tokens were replaced.
struct PredictionChanges {
  std::int64_t compared = 0, changed = 0;
  double largest = 0;         ///< of the changes of -log p, in nats; infinite if one of the two is not a number
  std::int64_t position = 0;  ///< of the token after which the largest change was found, from 0 in its sequence
  std::int64_t cut = 0;       ///< the first token that was replaced there

  /// Share of the predictions that changed; NaN if none was compared.
  double share() const { return static_cast<double>(changed) / static_cast<double>(compared); }

  /// Compares -log p of the same targets at the positions before `cut`. A change of more than `tolerance` counts.
  /// Returns whether the largest change so far, counted or not, is among them.
  bool add(std::span<const double> before, std::span<const double> after, std::int64_t first_replaced,
           double tolerance) {
    bool is_largest = false;
    for (std::int64_t t = 0; t < first_replaced; ++t) {
      const double a = before[static_cast<std::size_t>(t)], b = after[static_cast<std::size_t>(t)];
      // A model that gives no number for both texts has not looked at the later ones.
      const double change = std::isnan(a) && std::isnan(b)   ? 0
                            : std::isnan(a) || std::isnan(b) ? INFINITY
                            : a == b                         ? 0
                                                             : std::abs(a - b);
      ++compared;
      if (change > tolerance) ++changed;
      if (change <= largest) continue;
      largest = change;
      position = t;
      cut = first_replaced;
      is_largest = true;
    }
    return is_largest;
  }
};

}  // namespace multipl_moe
