#include "backend/cuda/gpu/ask.cuh"

namespace moe::testing::gpu_side {

Answered ask_token(KeptAs kept, int index, const Given& given) {
  return ask_list<on::TokenCompositions>(kept, index, given);
}

}  // namespace moe::testing::gpu_side
