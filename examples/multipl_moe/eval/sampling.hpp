/// Sampling of the next token from logits.
#pragma once

#include <cstdint>
#include <span>
#include <unordered_set>

#include "multipl_moe/tokenizer/token.hpp"

namespace multipl_moe {

/// Sampling parameters, in the order in which they are applied.
struct Sampling {
  double repetition_penalty = 1;  ///< divides positive logits of tokens already read, multiplies their other logits
  double temperature = 1;         ///< divides the logits; 0: take the most probable token
  std::int64_t top_k = 0;         ///< draw from the k most probable tokens only; 0: all
  double top_p = 1;               ///< of those, only from the fewest with this total probability, most probable first
};

/// Throws UsageError if a value is out of range.
void check_sampling(const Sampling& sampling);

/// Makes tokens already read less probable, or more probable if `penalty` is below 1.
void penalize_repetition(std::span<float> logits, const std::unordered_set<Token>& read, double penalty);

/// Throws NonFinite if a logit is not finite.
void require_finite(std::span<const float> logits);

/// Excludes these tokens from draws: their logits become minus infinity.
void forbid(std::span<float> logits, std::span<const Token> tokens);
/// The same for every token that would repeat an n-gram of `size` tokens in `read`; size 0 excludes nothing.
void forbid_repeated(std::span<float> logits, std::span<const Token> read, std::size_t size);

/// Draws a token from logits to which the penalty was applied, none of them NaN; `uniform` in (0, 1). Tokens are
/// ordered by logit, ties by the lower id, and only as many are sorted as the draw needs. Throws UsageError if every
/// token is excluded.
Token draw_token(std::span<const float> logits, const Sampling& sampling, double uniform);

}  // namespace multipl_moe
