// error: TokenMoE: 3rd argument must be a Capacity: Index rows_per_expert(Demand) const
#include "parts.hpp"

using namespace moe;
using namespace moe::testing;

TokenMoE layer(TopK{.k = 2}, SoftmaxOverChosen{}, 128, Bank(6, 8, 16));
