// error: SegmentMoE: 2nd argument must be a SegmentSource of the experts' value type and backend, such as OwnMean
#include "parts.hpp"

using namespace moe;
using namespace moe::testing;

SegmentMoE layer(FixedWindow{.window = 4}, Stranger{}, ExpertChoice{}, SoftmaxOverAll{}, SegmentCapacity{},
                 Bank(6, 8, 16));
