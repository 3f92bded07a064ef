/// Models of every architecture in float on the emulated device, whose rows several lanes share.
#include "check_architectures.hpp"
#include "support/catch.hpp"
#include "support/emulated_device.hpp"

namespace device_architectures_float_test {

using namespace multipl_moe::testing;
using moe::testing::EmulatedWarps;

TEST_CASE("every architecture in float on a device has the losses, gradients and decoded logits of the CPU",
          "[device]") {
  using Float = moe::testing::Tolerance<float>;
  using Checks = ArchitectureChecks<float, EmulatedWarps>;
  for (const NamedModel& model : every_architecture())
    Checks::check(model, Checks::stream_with_margin(model.config, 1e-4), Float::nmse, 0, Float::relative);
}

}  // namespace device_architectures_float_test
