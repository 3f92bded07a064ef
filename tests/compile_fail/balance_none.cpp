// error: TokenMoE: 6th argument must be a Balance: bool counts(Index expert) const
#include "parts.hpp"

using namespace moe;
using namespace moe::testing;

TokenMoE layer(TopK{.k = 2}, SoftmaxOverChosen{}, Unlimited{}, Bank(6, 8, 16), NoSharedExpert{}, 0.01);
