#include "moe/routing/steps/z_loss.hpp"

#include <cmath>

#include "moe/backend/cpu/cpu.hpp"
#include "support/catch.hpp"
#include "support/gradient_check.hpp"

namespace z_loss_test {

using namespace moe;
using namespace moe::testing;

namespace {
using B = Cpu<>;
const CpuContext context{.threads = 2};
}  // namespace

TEST_CASE("the z-loss is the mean square of log sum exp", "[ops][golden]") {
  Tensor z(2, 3);
  z.view()(1, 0) = 1000;
  // (log 3)^2 and 1000^2: large logits do not overflow.
  CHECK(z_loss<double, B>(context, z.view()) == Catch::Approx((std::pow(std::log(3.0), 2) + 1e6) / 2).epsilon(1e-12));
  CHECK(z_loss<double, B>(context, Tensor(0, 3).view()) == 0);
}

TEST_CASE("the z-loss's gradient is added to the logits' and matches central differences", "[ops][gradient]") {
  Draw draw("z-loss");
  auto z = random_matrix<double, B>(draw, 40, 4, 2);
  auto d_z = random_matrix<double, B>(draw, 40, 4);
  const auto before = d_z.copy();
  add_z_loss_backward<double, B>(context, z.view(), 1.7, d_z.view());
  for (Index i = 0; i < d_z.size(); ++i) d_z.data()[i] -= before.data()[i];
  check_component_gradients(
      "logits", z, d_z, [&] { return 1.7 * z_loss<double, B>(context, z.view()); }, component_bar);
  auto untouched = before.copy();
  add_z_loss_backward<double, B>(context, z.view(), 0, untouched.view());
  CHECK(same_bits(untouched, before));
}

}  // namespace z_loss_test
