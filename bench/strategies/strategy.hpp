/// What the suite compares: a layer of any composition, by name, at sizes that cost the same whatever it is.
#pragma once

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "moe/core/forward.hpp"
#include "moe/runtime/any_layer.hpp"

namespace moe_bench {

using moe::Index;

/// `experts` SwiGLU experts of `width` x `hidden`, of which a row meets `chosen`; segments of `window` rows. Tokens and
/// languages below their counts come with every row.
struct Sizes {
  Index width = 0, hidden = 0, experts = 0, chosen = 0, window = 0, languages = 0;

  /// The same parameters, all and active, cut into experts of which a row meets `k`; up to rounding, where k does not
  /// divide.
  Sizes with_choices(Index k) const {
    const auto shared_out = [](Index all, Index by) { return std::max<Index>(1, (all + by / 2) / by); };
    Sizes cut = *this;
    cut.chosen = k;
    cut.hidden = shared_out(hidden * chosen, k);
    cut.experts = std::max(k, shared_out(experts * k, chosen));
    return cut;
  }
  /// The same, cut into finer experts: a row meets twice as many, and four at least.
  Sizes finer() const { return with_choices(std::max<Index>(2 * chosen, 4)); }
};

template <class B>
struct Strategy {
  /// What --strategies chooses by.
  std::string name;
  /// Router, gates, capacity and balance in one line.
  std::string routing;
  /// What its losses weigh in training, as its source says.
  moe::AuxiliaryGradient losses;
  /// The layer, all weights 0.
  std::function<moe::AnyLayer<float, B>(const Sizes&)> make;
};

}  // namespace moe_bench
