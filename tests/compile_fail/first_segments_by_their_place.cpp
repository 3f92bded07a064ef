// error: SegmentMoE: 3rd argument must be a router that takes a RowsContext: this source routes all first segments by
// the same row, and an expert must take all of these identical rows or none, as in ExpertChoice
#include "parts.hpp"

#include "moe/routing/router/balanced_assignment.hpp"

using namespace moe;
using namespace moe::testing;

SegmentMoE layer(FixedWindow{.window = 4}, PreviousMean<float, Shape>(8), TrainInfer<BalancedAssignment, TopK>{},
                 SoftmaxOverAll{}, EvenShare{}, Bank(6, 8, 16));
