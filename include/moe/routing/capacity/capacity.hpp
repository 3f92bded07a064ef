#pragma once

#include <concepts>

#include "moe/core/index.hpp"
#include "moe/core/train_infer.hpp"

namespace moe {

/// What a capacity decides from: how many rows compete, for how many experts, and how many pairs (row, expert) the
/// router would like. Where experts choose, it likes one a row.
struct Demand {
  /// Rows that compete.
  Index rows = 0;
  /// Experts that they compete for.
  Index experts = 0;
  /// Pairs (row, expert) that are wanted.
  Index choices = 0;
};

/// Says how many rows an expert may take, in training, inference or both.
template <class C>
concept SingleCapacity = requires(const C& capacity, Demand demand) {
  { capacity.rows_per_expert(demand) } -> std::same_as<Index>;
};

/// A capacity, or TrainInfer of two: Switch raises the capacity in inference, and a layer that drops in training alone
/// can decode.
template <class C>
concept Capacity = SingleCapacity<typename FormsOf<C>::Train> && SingleCapacity<typename FormsOf<C>::Infer>;

/// A capacity that says how many rows an expert takes and never what rows that choose may do: `static constexpr bool
/// is_share = true`.
template <class C>
concept SharingCapacity = Capacity<C> && requires {
  requires C::is_share;
};

/// Gates are normalized over all that a row chose, or over what the capacity left of it.
enum class NormalizeGates { before_dropping, after_dropping };

/// Whom an expert drops that too many rows chose. Among rows, first choices stay before second ones whatever the rule.
enum class DropBy {
  /// The rows that come last.
  position,
  /// The rows whose best softmax score is lowest: batch-prioritized routing (Riquelme et al. 2021, arXiv 2106.05974).
  priority,
  /// The rows whose softmax score for this expert is lowest, be it their first choice or another.
  probability,
  /// The rows that a random order puts last. In training it needs a batch with a random key.
  random
};

/// A capacity that holds for rows that choose, too: an expert that more rows chose than it may take drops the rest, by
/// its `drop`, or by position where it says nothing. Rows compete, so a layer that drops is
/// neither causal nor independent of batch neighbors.
template <class C>
concept DroppingCapacity = SingleCapacity<C> && requires(const C& capacity) {
  { capacity.normalize } -> std::convertible_to<NormalizeGates>;
};

/// Whom a capacity drops.
template <DroppingCapacity C>
DropBy drops_by(const C& capacity) {
  if constexpr (requires { capacity.drop; })
    return capacity.drop;
  else
    return DropBy::position;
}

}  // namespace moe
