#pragma once

#include <concepts>

#include "moe/core/index.hpp"
#include "moe/core/row.hpp"

namespace moe {

/// Says over which experts the balance loss (eq. 8) is taken. It may say more, below and:
/// `static constexpr bool by_sequence = true`: the loss of each sequence alone, and the mean over sequences;
/// `expected_choices(rows)`: the choices that f is a share of, where it is not all that were made.
template <class B>
concept Balance = requires(const B& balance, Index expert) {
  { balance.counts(expert) } -> std::same_as<bool>;
};

/// A balance that brings its own p, which is otherwise the softmax over the counted experts: score(logits_E, p_E), 0
/// for experts that do not count, and score_backward(logits_E, p_E, f_E, scale, d_logits_E): d_logits += scale
/// (dp/dlogits)^T f.
template <class B>
concept ScoresRows = requires(const B& balance, Row<const float> logits_E, Row<float> p_E, float scale) {
  balance.score(logits_E, p_E);
  balance.score_backward(logits_E, logits_E, logits_E, scale, p_E);
};

/// A balance whose weight follows what was chosen: the layer multiplies the loss by it, keeps it as a
/// buffer, and has it moved after each step by how many experts a row chose on average.
template <class B>
concept LearnsWeight = requires(const B& balance, double weight, double choices) {
  { balance.first_weight } -> std::convertible_to<double>;
  { balance.updated_weight(weight, choices) } -> std::convertible_to<double>;
};

/// Whether the loss is taken sequence by sequence.
template <class B>
inline constexpr bool balances_sequences = false;
/// It is, by the balance's own word.
template <class B>
requires requires { requires B::by_sequence; }
inline constexpr bool balances_sequences<B> = true;

/// A balance that leaves out the expert that every row chooses: `static constexpr bool leaves_out_shared = true`.
template <class B>
concept LeavesOutShared = Balance<B> && requires {
  requires B::leaves_out_shared;
};

}  // namespace moe
