/// Models of every architecture in bfloat16 on the emulated device, whose rows several lanes share.
#include "check_architectures.hpp"
#include "support/catch.hpp"
#include "support/emulated_device.hpp"

namespace device_architectures_bfloat16_test {

using namespace multipl_moe::testing;
using moe::BFloat16;
using moe::testing::EmulatedWarps;

TEST_CASE("every architecture in bfloat16 on a device has the losses, gradients and decoded logits of the CPU",
          "[device]") {
  using Checks = ArchitectureChecks<BFloat16, EmulatedWarps>;
  const double bar = 4e-3, least = 0.05, decoding_bar = 0.1;
  for (const NamedModel& model : every_architecture()) {
    const auto stream = Checks::stream_with_margin(model.config, 0.01);
    // The CPU in bfloat16 is as far from double.
    ArchitectureChecks<BFloat16, moe::Cpu<>>::check(model, stream, bar, least, decoding_bar);
    Checks::check(model, stream, bar, least, decoding_bar);
  }
}

}  // namespace device_architectures_bfloat16_test
