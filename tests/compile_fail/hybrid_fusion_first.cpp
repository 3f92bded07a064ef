// error: HybridMoE: 1st argument must be a layer of routed experts such as TokenMoE
#include "parts.hpp"

using namespace moe;
using namespace moe::testing;

HybridMoE<FixedFusion, Token, Segment> layer;
