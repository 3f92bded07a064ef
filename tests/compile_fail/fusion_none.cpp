// error: HybridMoE: 3rd argument must be a Fusion such as FixedFusion
#include "parts.hpp"

using namespace moe;
using namespace moe::testing;

HybridMoE<Token, Segment, double> layer;
