// error: SegmentMoE: 3rd argument must be a router of logits; a segment has no token id and no language
#include "parts.hpp"

using namespace moe;
using namespace moe::testing;

SegmentMoE layer(FixedWindow{.window = 4}, OwnMean<float, Shape>(8), HashChoice{}, UnitGates{}, Unlimited{},
                 Bank(6, 8, 16));
