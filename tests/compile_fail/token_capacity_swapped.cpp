// error: TokenMoE: 2nd argument must be a GateNormalizer: normalize(logits_E, chosen_E, gates_E) const and backward
#include "parts.hpp"

using namespace moe;
using namespace moe::testing;

TokenMoE layer(TopK{.k = 2}, Unlimited{}, SoftmaxOverChosen{}, Bank(6, 8, 16));
