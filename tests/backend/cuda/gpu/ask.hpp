/// Runs layers on a GPU, with plain numbers as input and output: the CUDA compiler does not compile the CPU backend,
/// which computes the expected results.
#pragma once

#include <string>
#include <vector>

#include "support/device_run.hpp"

namespace moe::testing::gpu_side {

/// The value type of a layer.
enum class KeptAs { float32, bfloat16 };

/// Composition `index` of its list, on the GPU.
Answered ask_token(KeptAs, int index, const Given&);
Answered ask_segment(KeptAs, int index, const Given&);
Answered ask_hybrid(KeptAs, int index, const Given&);
Answered ask_separate(KeptAs, int index, const Given&);

}  // namespace moe::testing::gpu_side
