/// A strategy of the suite: a named layer of any composition, at sizes with the same cost for all strategies.
#pragma once

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "bench/strategies/inputs.hpp"
#include "moe/core/forward.hpp"
#include "moe/runtime/any_layer.hpp"

namespace moe_bench {

using moe::Index;

/// A strategy's name, also where it is given in the spelling of version 0.1.
inline std::string current_strategy(std::string name) {
  return name == "batch-prioritised" ? std::string("batch-prioritized") : name;
}

/// `experts` SwiGLU experts of `width` x `hidden`, `chosen` of them per row; segments of `window` rows; `languages`
/// languages. Every row has a token id and a language.
struct Sizes {
  Index width = 0, hidden = 0, experts = 0, chosen = 0, window = 0, languages = 0;
  /// The text of each token id, for strategies that read the syntax of code.
  std::vector<std::string> texts = texts_of_bytes();

  /// The same total and active parameters, divided into experts with `k` per row; up to rounding if k does not divide
  /// them.
  Sizes with_choices(Index k) const {
    const auto shared_out = [](Index all, Index by) { return std::max<Index>(1, (all + by / 2) / by); };
    Sizes cut = *this;
    cut.chosen = k;
    cut.hidden = shared_out(hidden * chosen, k);
    cut.experts = std::max(k, shared_out(experts * k, chosen));
    return cut;
  }
  /// The same, divided into finer experts: twice as many per row, and at least four.
  Sizes finer() const { return with_choices(std::max<Index>(2 * chosen, 4)); }
};

template <class B>
struct Strategy {
  /// Name for --strategies.
  std::string name;
  /// Router, gates, capacity and balance in one line.
  std::string routing;
  /// Weights of its auxiliary losses in training, as in its source.
  moe::AuxiliaryGradient losses;
  /// The layer, all weights 0.
  std::function<moe::AnyLayer<float, B>(const Sizes&)> make;
};

}  // namespace moe_bench
