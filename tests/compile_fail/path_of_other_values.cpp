// error: TokenMoE: 5th argument must be an always-on path of the experts' value type and backend, or NoSharedExpert
#include "parts.hpp"

using namespace moe;
using namespace moe::testing;

TokenMoE layer(TopK{.k = 2}, SoftmaxOverChosen{}, Unlimited{}, Bank(6, 8, 16),
               SharedExpert<SwiGlu<double, Shape>, SigmoidGate>(8, 16));
