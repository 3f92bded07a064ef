// error: HybridMoE: both levels must have the same value type
#include "parts.hpp"

using namespace moe;
using namespace moe::testing;

HybridMoE<Mixtral<double, Shape>, Segment, FixedFusion> layer;
