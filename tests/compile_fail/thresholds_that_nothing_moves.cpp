// error: Gating: thresholds are learned from a router that sees all rows, as in TrainInfer<ExpertChoice,
// ThresholdChoice>
#include "parts.hpp"

using namespace moe;
using namespace moe::testing;

TokenMoE layer(TrainInfer<TopK, ThresholdChoice>{}, SoftmaxOverAll{}, Unlimited{}, Bank(6, 8, 16));
