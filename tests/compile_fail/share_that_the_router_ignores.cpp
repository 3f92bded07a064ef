// error: Gating: a share of the rows is for routers whose experts take rows, such as ExpertChoice; where rows
// choose use Unlimited or CapacityFactor
#include "parts.hpp"

using namespace moe;
using namespace moe::testing;

TokenMoE layer(TrainInfer<SinkhornChoice, TopK>{}, SoftmaxOverAll{}, EvenShare{}, Bank(6, 8, 16));
