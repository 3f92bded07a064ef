/// The compositions of composition_list.hpp on the CPU without their types: compiled once for all test programs, in
/// any_compositions_float.cpp and any_compositions_double.cpp.
#pragma once

#include <cstdint>
#include <vector>

#include "moe/runtime/any_layer.hpp"
#include "support/compositions.hpp"

namespace moe::testing {

template <class Real>
using AnyCpuLayer = AnyLayer<Real, Cpu<>>;

template <class Real>
struct AnyComposition {
  /// A layer of these sizes with every weight 0.
  AnyCpuLayer<Real> (*build)(const Sizes&);
  /// The reference's results for a layer that `build` made.
  Expected (*expected)(AnyCpuLayer<Real>&, const reference::Rows&, const Batch&, Phase);
  /// Whether training and inference route differently.
  bool routes_twice;
};

/// The lists of composition_list.hpp that the reference has equations for.
template <class Real>
struct AnyCompositions {
  std::vector<AnyComposition<Real>> token, segment, hybrid, separate;

  /// All of them, in this order.
  std::vector<AnyComposition<Real>> all() const {
    std::vector<AnyComposition<Real>> result;
    for (const auto* list : {&token, &segment, &hybrid, &separate})
      result.insert(result.end(), list->begin(), list->end());
    return result;
  }
};

#ifdef MOE_WITHOUT_COMPILED_LAYERS
template <class Real>
AnyCompositions<Real> make_any_compositions();
template <class Real>
const AnyCompositions<Real>& any_compositions() {
  static const auto compositions = make_any_compositions<Real>();
  return compositions;
}
#else
template <class Real>
const AnyCompositions<Real>& any_compositions();
template <>
const AnyCompositions<float>& any_compositions();
template <>
const AnyCompositions<double>& any_compositions();
#endif

/// Draws a layer's weights and its input until every routing decision is clearer than `margin`.
template <class Real>
Matrix<Real, Cpu<>> draw_clear(const AnyComposition<Real>& composition, AnyCpuLayer<Real>& layer, const Batch& batch,
                               Phase phase, double margin) {
  return draw_clear(layer, batch, margin,
                    [&](const reference::Rows& x) { return composition.expected(layer, x, batch, phase); });
}

}  // namespace moe::testing

#ifdef MOE_WITHOUT_COMPILED_LAYERS
#include "support/make_any_compositions.hpp"
#endif
