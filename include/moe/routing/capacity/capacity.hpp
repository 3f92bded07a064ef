#pragma once

#include <concepts>

#include "moe/core/index.hpp"
#include "moe/core/train_infer.hpp"

namespace moe {

/// Input of a capacity: the numbers of rows, of experts, and of pairs (row, expert) that the router selected before
/// dropping. Where experts choose rows, the number of pairs is that of the rows.
struct Demand {
  /// Number of rows.
  Index rows = 0;
  /// Number of experts.
  Index experts = 0;
  /// Number of pairs (row, expert) before dropping.
  Index choices = 0;
};

/// Computes the maximum number of rows per expert, in training, inference or both.
template <class C>
concept SingleCapacity = requires(const C& capacity, Demand demand) {
  { capacity.rows_per_expert(demand) } -> std::same_as<Index>;
};

/// A capacity, or TrainInfer of two: Switch uses a larger capacity in inference, and a layer that drops only in
/// training can decode.
template <class C>
concept Capacity = SingleCapacity<typename FormsOf<C>::Train> && SingleCapacity<typename FormsOf<C>::Infer>;

/// A capacity for routers whose experts choose rows: it sets the number of rows per expert and does not limit routers
/// whose rows choose experts. It declares `static constexpr bool is_share = true`.
template <class C>
concept SharingCapacity = Capacity<C> && requires {
  requires C::is_share;
};

/// Whether gates are normalized over all experts that a row selected, or over those that remain after dropping.
enum class NormalizeGates { before_dropping, after_dropping };

/// Which rows an expert drops when more rows selected it than its capacity. First choices are kept before second ones,
/// except by `probability`.
enum class DropBy {
  /// The rows with the highest positions in the batch.
  position,
  /// The rows whose best softmax score is lowest: batch-prioritized routing (Riquelme et al. 2021, arXiv 2106.05974).
  priority,
  /// The rows whose softmax score for this expert is lowest, whether it is their first choice or another.
  probability,
  /// The last rows in a random order. Training requires a batch with a random key.
  random
};

/// A capacity that also limits routers whose rows choose experts: an expert that more rows selected than its capacity
/// drops the overflow, by `drop` if the capacity has this member, otherwise by position. Rows compete, so a layer that
/// drops is neither causal nor batch invariant.
template <class C>
concept DroppingCapacity = SingleCapacity<C> && requires(const C& capacity) {
  { capacity.normalize } -> std::convertible_to<NormalizeGates>;
};

/// Which rows a capacity drops.
template <DroppingCapacity C>
DropBy drops_by(const C& capacity) {
  if constexpr (requires { capacity.drop; })
    return capacity.drop;
  else
    return DropBy::position;
}

}  // namespace moe
