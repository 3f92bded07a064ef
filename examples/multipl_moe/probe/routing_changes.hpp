/// Which decisions of a model's routers depend on tokens that they should not know.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "multipl_moe/model/language_model.hpp"
#include "multipl_moe/probe/leak.hpp"

namespace multipl_moe::probe {

/// Sequences of one language with the token that follows each token.
struct Windows {
  std::int64_t count = 0, length = 0;
  std::vector<Token> tokens, targets;  ///< [count, length]
  std::optional<Language> language{};

  std::span<const Token> tokens_of(std::int64_t window) const;
  std::span<const Token> targets_of(std::int64_t window) const;
};

/// For each segment of the first `count` windows: whether its experts are others when its last half is replaced. Counts
/// a decision for each segment and layer; none for a model without segments, and for segments of one token.
DecisionChanges changes_with_last_half(LanguageModel& model, const Windows& windows, std::int64_t count);

/// For each of the first `count` windows, in a batch with the `sequences` - 1 next ones: whether the experts of its
/// tokens and segments are others when all tokens of the other sequences are replaced. None for a batch of one, and for
/// a model without routers.
DecisionChanges changes_with_neighbors(LanguageModel& model, const Windows& windows, std::int64_t count,
                                       std::int64_t sequences);

}  // namespace multipl_moe::probe
