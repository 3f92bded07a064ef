// error: SegmentMoE: 1st argument must be a Segmenter: bool ends_after(Index length, std::int32_t token) const
#include "parts.hpp"

using namespace moe;
using namespace moe::testing;

SegmentMoE layer(64, OwnMean<float, Shape>(8), ExpertChoice{}, SoftmaxOverAll{}, SegmentCapacity{}, Bank(6, 8, 16));
