#pragma once

#include <concepts>

#include "moe/core/batch.hpp"
#include "moe/core/view.hpp"

namespace moe {

/// The members of a layer of routed experts that HybridMoE uses.
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

/// A level that also returns the sum of each row's gates (mass_1T).
template <class L>
concept SegmentLevel = Level<L> &&
    requires(const L& level, const typename L::Backend::Context& context,
             View<const typename L::Value, typename L::Backend> x_TD, const Batch& batch) {
  level.infer_with_mass(context, x_TD, batch);
};

}  // namespace moe
