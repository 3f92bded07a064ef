#pragma once

#include <concepts>

#include "moe/core/batch.hpp"
#include "moe/core/view.hpp"

namespace moe {

/// A layer of routed experts, as far as HybridMoE has to know it.
template <class L>
concept Level = requires(const L& level) {
  typename L::Value;
  typename L::Backend;
  typename L::ExpertType;
  typename L::Saved;
  typename L::Stats;
  typename L::DecodingState;
  typename L::Routing;
  typename L::LossGradients;
  { L::is_causal } -> std::convertible_to<bool>;
  { level.width() } -> std::same_as<Index>;
};

/// A level that also tells how much its experts count in each row.
template <class L>
concept SegmentLevel = Level<L> &&
    requires(const L& level, const typename L::Backend::Context& context,
             View<const typename L::Value, typename L::Backend> x_TD, const Batch& batch) {
  level.infer_with_mass(context, x_TD, batch);
};

}  // namespace moe
