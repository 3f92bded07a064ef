#include "moe/routing/steps/variation_loss.hpp"

#include "support/catch.hpp"
#include "support/gradient_check.hpp"

namespace variation_loss_test {

using namespace moe;
using namespace moe::testing;

namespace {

double value_of(const Tensor& values_TE) {
  return variation_loss<double, Cpu<>>(CpuContext{.threads = 2}, values_TE.view()).loss;
}

}  // namespace

TEST_CASE("the variation loss is the variance of the sums over the square of their mean", "[routing]") {
  Tensor values_TE(2, 3);
  for (Index e = 0; e < 3; ++e) values_TE.view()(0, e) = static_cast<double>(e);
  values_TE.view()(1, 0) = 3;
  // Sums 3, 1, 2: mean 2, variance 2/3.
  CHECK(value_of(values_TE) == Catch::Approx(2.0 / 3 / 4));
  for (Index e = 0; e < 3; ++e) values_TE.view()(1, e) = 7 - static_cast<double>(e);
  CHECK(value_of(values_TE) == Catch::Approx(0).margin(1e-15));
}

TEST_CASE("the variation loss of no rows, of sums of 0 and of one expert is 0", "[routing]") {
  CHECK(value_of(Tensor(0, 3)) == 0);
  CHECK(value_of(Tensor(4, 3)) == 0);
  Tensor one_T1(4, 1);
  one_T1.view()(2, 0) = 5;
  CHECK(value_of(one_T1) == 0);
}

TEST_CASE("the variation loss's gradient matches central differences", "[routing][gradient]") {
  Draw draw("variation loss");
  auto values_TE = random_matrix<double, Cpu<>>(draw, 6, 5);
  for (Index i = 0; i < values_TE.size(); ++i) values_TE.data()[i] = std::abs(values_TE.data()[i]);
  const CpuContext context{.threads = 1};
  const auto loss = variation_loss<double, Cpu<>>(context, values_TE.const_view());
  auto d_values_TE = random_matrix<double, Cpu<>>(draw, 6, 5);
  const auto before_TE = d_values_TE.copy();
  add_variation_loss_backward<double, Cpu<>>(context, loss.slopes_1E.view(), 1.7, d_values_TE.view());
  for (Index i = 0; i < d_values_TE.size(); ++i) d_values_TE.data()[i] -= before_TE.data()[i];
  check_component_gradients(
      "values", values_TE, d_values_TE, [&] { return 1.7 * value_of(values_TE); }, component_bar);
}

}  // namespace variation_loss_test
