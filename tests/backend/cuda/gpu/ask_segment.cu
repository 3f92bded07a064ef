#include "backend/cuda/gpu/ask.cuh"

namespace moe::testing::gpu_side {

Answered ask_segment(KeptAs kept, int index, const Given& given) {
  return ask_list<on::SegmentCompositions>(kept, index, given);
}

}  // namespace moe::testing::gpu_side
