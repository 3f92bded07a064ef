/// Layers of double on the emulated device.
#include "backend/cuda/ask_emulated.hpp"

namespace layers_double_test {

using namespace moe;
using namespace moe::testing;

TEST_CASE("layers in double on the accelerator match the reference", "[accelerator][conformance]") {
  check_compositions<double, double>("accelerator", ask<double, Emulated>, emulated_cases);
}

TEST_CASE("gradients of layers in double on the accelerator match the CPU's", "[accelerator][gradient]") {
  check_gradients<double>(ask<double, Emulated>, 1e-12);
}

}  // namespace layers_double_test
