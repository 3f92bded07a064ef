/// Parts for the files of compile_fail: the library's parts on the backend Shape, which has no memory and needs no
/// Eigen, and user-defined parts. Each file is compiled by itself and includes little, because there are many.
#pragma once

#include "moe/backend/shape/shape.hpp"
#include "moe/layers/presets.hpp"
#include "moe/routing/capacity/even_share.hpp"

namespace moe::testing {

using Bank = ExpertBank<SwiGlu<float, Shape>>;
using Token = Mixtral<float, Shape>;
using Segment =
    SegmentMoE<FixedWindow, OwnMean<float, Shape>, ExpertChoice, SoftmaxOverAll, SegmentCapacity, SwiGlu<float, Shape>>;
using Hybrid = MultiPlMoe<float, Shape>;

/// Satisfies none of the library's concepts.
struct Stranger {};

/// A user-defined router that satisfies Router.
struct FirstExpert {
  Index chosen_by_all() const { return 0; }
  template <class Real>
  void choose(Row<const Real> logits_E, Row<ChoiceOrder> chosen_E) const {
    for (Index e = 0; e < logits_E.size; ++e) chosen_E[e] = e == 0 ? 1 : 0;
  }
};

}  // namespace moe::testing
