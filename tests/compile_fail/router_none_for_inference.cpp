// error: TokenMoE: 1st argument must be a Router: choose(Row<const Real>, Row<Rank>) const
#include "parts.hpp"

using namespace moe;
using namespace moe::testing;

TokenMoE layer(Routing<TopK, Stranger>{}, SoftmaxOverChosen{}, Unlimited{}, Bank(6, 8, 16));
