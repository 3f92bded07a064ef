// error: TokenMoE: 4th argument must be an ExpertBank of Experts such as SwiGlu<float, Cpu<>>
#include "parts.hpp"

using namespace moe;
using namespace moe::testing;

TokenMoE<TopK, SoftmaxOverChosen, Unlimited, Stranger> layer;
