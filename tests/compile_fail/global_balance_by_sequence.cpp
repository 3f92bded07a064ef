// error: TokenRouting: a balance that is computed for each sequence takes f from this sequence alone; it must not
// declare is_global
#include "parts.hpp"

using namespace moe;
using namespace moe::testing;

struct OfSequences : SequenceBalance {
  static constexpr bool is_global = true;
};

TokenMoE layer(TopK{.k = 2}, SoftmaxOverChosen{}, Unlimited{}, Bank(6, 8, 16), NoSharedExpert{}, OfSequences{});
