#pragma once

#include <concepts>

#include "moe/core/index.hpp"
#include "moe/core/row.hpp"

namespace moe {

/// Defines which experts the balance loss (eq. 8) counts. Optional members, besides those of the concepts below:
/// `static constexpr bool by_sequence = true`: the loss is computed for each sequence and averaged over sequences;
/// `expected_choices(rows)`: the denominator of f, if it is not the number of choices that were made; `bool is_global`:
/// see spans_ranks.
template <class B>
concept Balance = requires(const B& balance, Index expert) {
  { balance.counts(expert) } -> std::same_as<bool>;
};

/// A balance that defines its own p; the default is the softmax over the counted experts. score(logits_E, p_E) writes
/// p, 0 for experts that are not counted. score_backward(logits_E, p_E, f_E, scale, d_logits_E): d_logits += scale
/// (dp/dlogits)^T f.
template <class B>
concept ScoresRows = requires(const B& balance, Row<const float> logits_E, Row<float> p_E, float scale) {
  balance.score(logits_E, p_E);
  balance.score_backward(logits_E, logits_E, logits_E, scale, p_E);
};

/// A balance with a loss weight that is adapted in training: the layer multiplies the loss by the weight, stores it as
/// a buffer, and in each call of update_buffers updates it from the mean number of experts per row.
template <class B>
concept LearnsWeight = requires(const B& balance, double weight, double choices) {
  { balance.first_weight } -> std::convertible_to<double>;
  { balance.updated_weight(weight, choices) } -> std::convertible_to<double>;
};

/// Whether the loss is computed sequence by sequence.
template <class B>
inline constexpr bool balances_sequences = false;
/// True if the balance declares by_sequence = true.
template <class B>
requires requires { requires B::by_sequence; }
inline constexpr bool balances_sequences<B> = true;

/// A balance that declares `is_global`, as a member or a constant.
template <class B>
concept HasGlobalForm = requires(const B& balance) {
  { balance.is_global } -> std::convertible_to<bool>;
};
/// Whether f counts the choices of all ranks of the context instead of this rank's (arXiv 2501.11873): n ranks that run
/// a micro-batch each have the balance loss of one rank with these micro-batches in one. All ranks then call forward
/// together, also with a batch of no rows. On one rank nothing changes.
template <Balance B>
bool spans_ranks([[maybe_unused]] const B& balance) {
  if constexpr (HasGlobalForm<B>)
    return balance.is_global;
  else
    return false;
}

/// A balance that excludes the shared expert, which every row selects. It declares
/// `static constexpr bool leaves_out_shared = true`.
template <class B>
concept LeavesOutShared = Balance<B> && requires {
  requires B::leaves_out_shared;
};

}  // namespace moe
