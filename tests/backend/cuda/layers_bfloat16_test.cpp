/// Layers of bfloat16 on the emulated device.
#include "backend/cuda/ask_emulated.hpp"

namespace layers_bfloat16_test {

using namespace moe;
using namespace moe::testing;

TEST_CASE("layers in bfloat16 on the accelerator match the reference", "[accelerator][conformance]") {
  check_compositions<float, BFloat16>("accelerator, bfloat16", ask<BFloat16, Emulated>, emulated_cases);
}

TEST_CASE("gradients of layers in bfloat16 on the accelerator match the CPU's", "[accelerator][gradient]") {
  check_gradients<BFloat16>(ask<BFloat16, Emulated>, 5e-2);
}

}  // namespace layers_bfloat16_test
