/// The operations on rows on the emulated device, against the host form in double.
#include "check_rows.hpp"
#include "support/catch.hpp"
#include "support/emulated_device.hpp"

namespace device_rows_test {

using namespace multipl_moe::testing;
using moe::BFloat16;
using moe::testing::Emulated;
using moe::testing::EmulatedWarps;
using moe::testing::WithLanes;

TEST_CASE("operations on rows on a device equal those of the host in double", "[device]") {
  RowChecks<double, Emulated>::all();
}
TEST_CASE("operations on rows in float and bfloat16, whose rows several lanes share, have the digits of their type",
          "[device]") {
  const int lanes = GENERATE(4, 32);
  const WithLanes some(lanes);
  RowChecks<float, EmulatedWarps>::all();
  RowChecks<BFloat16, EmulatedWarps>::all();
}

}  // namespace device_rows_test
