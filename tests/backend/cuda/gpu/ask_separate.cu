#include "backend/cuda/gpu/ask.cuh"

namespace moe::testing::gpu_side {

Answered ask_separate(KeptAs kept, int index, const Given& given) {
  return ask_list<on::SeparateCompositions>(kept, index, given);
}

}  // namespace moe::testing::gpu_side
