/// The device form of the operations on rows, run on the host, against the host form.
#include "../device/check_rows.hpp"
#include "support/catch.hpp"

namespace rows_device_test {

using Checks = multipl_moe::testing::RowChecks<double, moe::Cpu<>>;

TEST_CASE("the device form of the norm and of rotations of rows equals the host form", "[model]") {
  Checks::rms_norm();
  Checks::turn();
}
TEST_CASE("the device form of sums and copies of rows equals the host form", "[model]") { Checks::sums_and_copies(); }
TEST_CASE("the device form of the losses of rows equals the host form, in pieces of any size", "[model]") {
  Checks::losses();
}
TEST_CASE("losses of infinite, huge and unknown logits are right or not a number", "[model]") {
  Checks::extreme_logits();
}
TEST_CASE("the device form of decoding equals the host form, in pieces of any size", "[model]") { Checks::decode(); }

}  // namespace rows_device_test
