#include "moe/backend/cpu/cpu.hpp"

#include "multipl_moe/model/rms_norm.hpp"

#include "support/catch.hpp"
#include "support/gradient_check.hpp"

namespace rms_norm_test {

using namespace multipl_moe;
using Catch::Approx;

TEST_CASE("a normalized row has mean square 1 before it is multiplied by the weights", "[model]") {
  RmsNorm<double, moe::Cpu<>> norm(4, 0);
  norm.weight.data()[2] = 3;
  moe::Matrix<double, moe::Cpu<>> x(1, 4);
  const double values[] = {1, -2, 2, 4};
  std::copy_n(values, 4, x.data());
  const auto y = norm.forward({}, x).first;
  for (int i = 0; i < 4; ++i) CHECK(y.data()[i] == Approx(values[i] / 2.5 * (i == 2 ? 3 : 1)));
}

TEST_CASE("the gradient of RMSNorm matches central differences", "[model]") {
  const moe::CpuContext context{.threads = 1};
  moe::testing::Draw draw("norm");
  RmsNorm<double, moe::Cpu<>> norm(37, 1e-6);
  moe::testing::fill_normal(draw, norm.weight.view());
  auto x = moe::testing::random_matrix<double, moe::Cpu<>>(draw, 5, 37);
  const auto c = moe::testing::random_matrix<double, moe::Cpu<>>(draw, 5, 37);
  const auto loss = [&] { return moe::testing::inner(c, norm.forward(context, x).first); };
  auto gradient = norm.empty_tree();
  gradient.weight = moe::Vector<double, moe::Cpu<>>(37);
  moe::Matrix<double, moe::Cpu<>> d_x(5, 37);
  norm.add_backward(context, c, x, norm.forward(context, x).second, d_x.view(), gradient);
  moe::testing::check_component_gradients("x", x.view(), d_x.view(), loss, moe::testing::component_bar);
  moe::testing::check_component_gradients("weight", norm.weight.view(), gradient.weight.view(), loss,
                                          moe::testing::component_bar);
}

}  // namespace rms_norm_test
