/// What the tests ask a GPU for, in plain numbers: the CUDA compiler does not read the CPU's backend, which judges.
#pragma once

#include <string>
#include <vector>

#include "support/device_run.hpp"

namespace moe::testing::gpu_side {

/// What a layer keeps values as.
enum class KeptAs { float32, bfloat16 };

/// Composition `index` of its list, on the GPU.
Answered ask_token(KeptAs, int index, const Given&);
Answered ask_segment(KeptAs, int index, const Given&);
Answered ask_hybrid(KeptAs, int index, const Given&);
Answered ask_separate(KeptAs, int index, const Given&);

}  // namespace moe::testing::gpu_side
