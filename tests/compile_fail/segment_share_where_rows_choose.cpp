// error: Gating: a share of the rows is for routers whose experts take rows, such as ExpertChoice; where rows
// choose use Unlimited or CapacityFactor
#include "parts.hpp"

using namespace moe;
using namespace moe::testing;

SegmentMoE layer(FixedWindow{.window = 4}, OwnMean<float, Shape>(8), TopK{.k = 2}, SoftmaxOverAll{}, SegmentCapacity{},
                 Bank(6, 8, 16));
