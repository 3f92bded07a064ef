/// BlockAttention on the emulated device, against TiledAttention in double.
#include "check_attention.hpp"
#include "support/catch.hpp"
#include "support/emulated_device.hpp"

namespace device_block_attention_test {

using namespace multipl_moe::testing;
using moe::BFloat16;
using moe::testing::Emulated;
using moe::testing::EmulatedWarps;

TEST_CASE("attention in blocks on a device equals attention in tiles in double", "[device]") {
  AttentionChecks<double, Emulated>::all();
}
TEST_CASE("attention in blocks of float and bfloat16 has the digits of its type", "[device]") {
  AttentionChecks<float, EmulatedWarps>::all();
  AttentionChecks<BFloat16, EmulatedWarps>::all();
}

}  // namespace device_block_attention_test
