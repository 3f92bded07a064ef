// error: TokenMoE: 1st argument must be a Router: choose(Row<const Real>, Row<ChoiceOrder>) const
#include "parts.hpp"

using namespace moe;
using namespace moe::testing;

TokenMoE layer(Bank(6, 8, 16), TopK{.k = 2}, SoftmaxOverChosen{}, Unlimited{});
