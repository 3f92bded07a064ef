/// A dense model in float and bfloat16 on the emulated device, whose rows several lanes share, against the CPU in
/// double.
#include "check_model.hpp"
#include "support/catch.hpp"
#include "support/emulated_device.hpp"

namespace device_transformer_types_test {

using namespace multipl_moe;
using namespace multipl_moe::testing;
using moe::BFloat16;
using moe::testing::EmulatedWarps;

namespace {

using Here = Architectures<double, moe::Cpu<>>::Dense;

}  // namespace

TEST_CASE("a dense model in float on a device has the digits of float", "[device]") {
  const ModelChecks<Here, Architectures<float, EmulatedWarps>::Dense> checks(small_config(), 3);
  checks.agree(moe::testing::Tolerance<float>::nmse);
  checks.decode(moe::testing::Tolerance<float>::relative);
}
TEST_CASE("a dense model in bfloat16 on a device has the digits of bfloat16", "[device]") {
  // The CPU in bfloat16 is as far from double.
  const double bar = 2e-3;
  ModelChecks<Here, Architectures<BFloat16, moe::Cpu<>>::Dense>(small_config(), 3).agree(bar);
  const ModelChecks<Here, Architectures<BFloat16, EmulatedWarps>::Dense> checks(small_config(), 3);
  checks.agree(bar);
  checks.decode(0.1);
}

}  // namespace device_transformer_types_test
