// error: TokenMoE: BalanceOverRouted excludes the expert that every row selects; the router must name this expert by
// chosen_by_all(), as SharedTopK does
#include "parts.hpp"

using namespace moe;
using namespace moe::testing;

TokenMoE layer(TopK{.k = 2}, SoftmaxOverChosen{}, Unlimited{}, Bank(6, 8, 16), NoSharedExpert{}, BalanceOverRouted{});
