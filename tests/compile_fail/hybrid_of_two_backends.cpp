// error: HybridMoE: both levels must have the same backend
#include "parts.hpp"

using namespace moe;
using namespace moe::testing;

HybridMoE<Mixtral<float, archetype::Backend>, Segment, FixedFusion> layer;
