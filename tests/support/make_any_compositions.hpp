/// Compiles the compositions of any_compositions.hpp for one value type.
#pragma once

#include "support/any_compositions.hpp"

namespace moe::testing {

/// Whether training and inference route differently.
template <class Layer>
inline constexpr bool routes_twice = false;
template <class Layer>
requires requires(Layer layer) { layer.routing; }
inline constexpr bool routes_twice<Layer> = decltype(Layer::routing)::has_thresholds;
template <class Layer>
requires requires(Layer layer) { layer.segment; }
inline constexpr bool routes_twice<Layer> = decltype(Layer::segment.routing)::has_thresholds;

template <class List>
auto any_list() {
  using Real = typename std::tuple_element_t<0, List>::Value;
  std::vector<AnyComposition<Real>> list;
  for_each_composition<List>([&]<class Layer>() {
    list.push_back({.build = [](const Sizes& sizes) { return AnyCpuLayer<Real>(build<Layer>(sizes)); },
                    .expected = [](AnyCpuLayer<Real>& layer, const reference::Rows& x, const Batch& batch,
                                   Phase phase) { return expected(*layer.template as<Layer>(), x, batch, phase); },
                    .routes_twice = routes_twice<Layer>});
  });
  return list;
}

template <class Real>
AnyCompositions<Real> make_any_compositions() {
  return {any_list<TokenCompositions<Real>>(), any_list<SegmentCompositions<Real>>(),
          any_list<HybridCompositions<Real>>(), any_list<SeparateCompositions<Real>>()};
}

}  // namespace moe::testing
