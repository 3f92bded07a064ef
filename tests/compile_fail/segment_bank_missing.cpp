// error: SegmentMoE: 6th argument must be an ExpertBank of Experts such as SwiGlu<float, Cpu<>>
#include "parts.hpp"

using namespace moe;
using namespace moe::testing;

SegmentMoE layer(FixedWindow{.window = 4}, OwnMean<float, Shape>(8), ExpertChoice{}, SoftmaxOverAll{},
                 SegmentCapacity{}, 6);
