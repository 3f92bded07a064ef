// error: Gating: a router that compares with thresholds must be the inference router; they are stored for it
#include "parts.hpp"

using namespace moe;
using namespace moe::testing;

TokenMoE layer(TrainInfer<ThresholdChoice, TopK>{}, SoftmaxOverAll{}, Unlimited{}, Bank(6, 8, 16));
