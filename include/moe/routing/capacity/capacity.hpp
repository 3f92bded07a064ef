#pragma once

#include <concepts>

#include "moe/core/index.hpp"

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

/// One capacity for training and another for inference: Switch gives experts more room when nobody learns from it, and
/// a layer that drops in training alone can decode.
template <class Train, class Infer>
struct Rooms {
  /// Holds in forward.
  Train train{};
  /// Holds in infer and decode, and is the one that traits speak of.
  Infer infer{};
};

/// The two forms of a capacity: one and the same.
template <class C>
struct RoomsOf {
  /// The form in training.
  using Train = C;
  /// The form in inference.
  using Infer = C;
  /// The capacity that forward keeps.
  static const C& train(const C& capacity) { return capacity; }
  /// The capacity that infer and decode keep.
  static const C& infer(const C& capacity) { return capacity; }
};
/// The two forms of Rooms.
template <class InTraining, class InInference>
struct RoomsOf<Rooms<InTraining, InInference>> {
  /// The form in training.
  using Train = InTraining;
  /// The form in inference.
  using Infer = InInference;
  /// The capacity that forward keeps.
  static const InTraining& train(const Rooms<InTraining, InInference>& rooms) { return rooms.train; }
  /// The capacity that infer and decode keep.
  static const InInference& infer(const Rooms<InTraining, InInference>& rooms) { return rooms.infer; }
};

/// A capacity, or Rooms of two.
template <class C>
concept Capacity = SingleCapacity<typename RoomsOf<C>::Train> && SingleCapacity<typename RoomsOf<C>::Infer>;

/// A capacity that says how many rows an expert takes and never what rows that choose may do: `static constexpr bool
/// is_share = true`.
template <class C>
concept SharingCapacity = Capacity<C> && requires {
  requires C::is_share;
};

/// Gates are normalised over all that a row chose, or over what the capacity left of it.
enum class NormaliseGates { before_dropping, after_dropping };

/// Whom an expert drops that too many rows chose. Among rows, first choices stay before second ones whatever the rule.
enum class DropBy {
  /// The rows that come last.
  position,
  /// The rows whose best softmax score is lowest: batch-prioritised routing (Riquelme et al. 2021, arXiv 2106.05974).
  priority,
  /// The rows whose softmax score for this expert is lowest, be it their first choice or another.
  probability,
  /// The rows that a random order puts last. In training it needs a batch with a random key.
  random
};

/// A capacity that holds for rows that choose, too: an expert that more rows chose than it may take drops the rest, by
/// its `drop`, or by position where it says nothing. Rows compete, so a layer that drops is
/// neither causal nor independent of batch mates.
template <class C>
concept DroppingCapacity = SingleCapacity<C> && requires(const C& capacity) {
  { capacity.normalise } -> std::convertible_to<NormaliseGates>;
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
