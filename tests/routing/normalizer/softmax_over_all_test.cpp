#include "moe/routing/normalizer/softmax_over_all.hpp"

#include "support/catch.hpp"
#include "support/normalizer_gradient.hpp"
#include "support/rows.hpp"

namespace softmax_over_all_test {

using namespace moe;
using namespace moe::testing;

TEST_CASE("the gate of a selected expert is its softmax probability over all experts", "[policies]") {
  const auto g = normalize(SoftmaxOverAll{}, std::vector<double>{std::log(2.0), 0, std::log(5.0)}, {1, 0, 2});
  CHECK(g[0] == Catch::Approx(0.25).epsilon(1e-14));
  CHECK(g[1] == 0);
  CHECK(g[2] == Catch::Approx(0.625).epsilon(1e-14));
}

TEST_CASE("the logit of an unselected expert has a gradient, as it lowers the selected gates", "[policies]") {
  const std::vector<double> z = {1, 2}, gates = normalize(SoftmaxOverAll{}, z, {1, 0}), d_gates = {1, 1};
  const std::vector<ChoiceOrder> chosen = {1, 0};
  std::vector<double> d_z(2);
  SoftmaxOverAll{}.backward(row(z), row(chosen), row(gates), row(d_gates), row(d_z));
  CHECK(d_z[1] < -0.1);
}

TEST_CASE("SoftmaxOverAll's gradient matches central differences", "[policies][gradient]") {
  check_normalizer_gradient(SoftmaxOverAll{});
}

TEST_CASE("SoftmaxOverAll does not overflow", "[policies]") {
  const auto g = normalize(SoftmaxOverAll{}, std::vector<float>{1e4f, 1e4f, -1e4f}, {1, 2, 3});
  CHECK(g[0] == 0.5f);
  CHECK(g[1] == 0.5f);
  CHECK(g[2] == 0);
}

TEST_CASE("SoftmaxOverAll of a row without an expert is 0", "[policies]") {
  CHECK(normalize(SoftmaxOverAll{}, std::vector<double>{3, 1}, {0, 0}) == std::vector<double>{0, 0});
}

TEST_CASE("SoftmaxOverAll's scale multiplies gates and their gradient", "[policies][gradient]") {
  const std::vector<double> z = {1, 2, 3};
  const auto plain = normalize(SoftmaxOverAll{}, z, {1, 0, 2}),
             scaled = normalize(SoftmaxOverAll{.scale = 16}, z, {1, 0, 2});
  for (std::size_t e = 0; e < 3; ++e) CHECK(scaled[e] == 16 * plain[e]);
  check_normalizer_gradient(SoftmaxOverAll{.scale = 2.5});
}

}  // namespace softmax_over_all_test
