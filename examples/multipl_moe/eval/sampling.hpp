/// From the logits of a token's place to the token.
#pragma once

#include <cstdint>
#include <span>
#include <unordered_set>

#include "multipl_moe/tokenizer/token.hpp"

namespace multipl_moe {

/// What stands between logits and a draw, in the order in which it is applied.
struct Sampling {
  double repetition_penalty = 1;  ///< positive logits of tokens that were read are divided by it, others multiplied
  double temperature = 1;         ///< logits are divided by it; 0 takes the most probable token
  std::int64_t top_k = 0;         ///< only the so many most probable tokens are drawn from; 0: all
  double top_p = 1;               ///< of those the fewest that together have this probability, the most probable first
};

/// Throws UsageError where a value is out of its range; `where` begins the message.
void check_sampling(const Sampling& sampling);

/// Makes tokens that were read less probable, or more, where `penalty` is below 1.
void penalize_repetition(std::span<float> logits, const std::unordered_set<Token>& read, double penalty);

/// Throws NonFinite where a logit of a model is not finite.
void require_finite(std::span<const float> logits);

/// No draw takes these tokens: their logits become minus infinity.
void forbid(std::span<float> logits, std::span<const Token> tokens);
/// The same for every token with which the last `size` tokens would be `size` tokens that `read` holds already; 0
/// forbids nothing.
void forbid_repeated(std::span<float> logits, std::span<const Token> read, std::size_t size);

/// A token drawn from logits that were penalized already, none of them NaN; `uniform` in (0, 1). Tokens stand by their
/// logits, among equals the lower one first, and only as many of them are sorted as the draw looks at. Throws
/// UsageError where every token is forbidden.
Token draw_token(std::span<const float> logits, const Sampling& sampling, double uniform);

}  // namespace multipl_moe
