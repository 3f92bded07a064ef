/// Layers whose rows are shared by the lanes of a warp.
#include "backend/cuda/ask_emulated.hpp"

namespace layers_lanes_test {

using namespace moe;
using namespace moe::testing;

#ifndef MOE_SLOW_BUILD
// Lanes switch stacks, which sanitizers report as an error.
TEST_CASE("layers with several lanes per row match the reference", "[accelerator][conformance]") {
  check_compositions<float, float>("lanes", ask<float, EmulatedWarps>, emulated_cases);
}

TEST_CASE("gradients of layers with several lanes per row match the CPU's", "[accelerator][gradient]") {
  const WithLanes lanes(32);
  check_gradients<float>(ask<float, EmulatedWarps>, 1e-4);
}
#endif

}  // namespace layers_lanes_test
