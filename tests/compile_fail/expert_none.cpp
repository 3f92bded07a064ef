// error: ExpertBank: 1st argument must be an Expert such as SwiGlu<float, Cpu<>>
#include "parts.hpp"

using namespace moe;
using namespace moe::testing;

TokenMoE layer(TopK{.k = 2}, SoftmaxOverChosen{}, Unlimited{}, ExpertBank<Stranger>{});
