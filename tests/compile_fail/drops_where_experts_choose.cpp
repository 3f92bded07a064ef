// error: Gating: a capacity that drops is for routers whose rows choose, such as TopK; where experts take rows
// use SegmentCapacity or EvenShare
#include "parts.hpp"

using namespace moe;
using namespace moe::testing;

TokenMoE layer(TrainInfer<ExpertChoice, ThresholdChoice>{}, SoftmaxOverAll{}, CapacityFactor{}, Bank(6, 8, 16));
