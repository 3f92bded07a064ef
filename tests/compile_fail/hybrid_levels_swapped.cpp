// error: HybridMoE: 2nd argument must be a layer that has infer_with_mass(), such as SegmentMoE
#include "parts.hpp"

using namespace moe;
using namespace moe::testing;

HybridMoE<Segment, Token, FixedFusion> layer;
