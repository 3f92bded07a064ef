#include "moe/routing/normalizer/softmax_over_chosen.hpp"

#include "support/catch.hpp"
#include "support/normalizer_gradient.hpp"
#include "support/rows.hpp"

namespace softmax_over_chosen_test {

using namespace moe;
using namespace moe::testing;

TEST_CASE("SoftmaxOverChosen matches the golden gates", "[policies][golden]") {
  const std::vector<std::vector<double>> z = {{1, 2, 0, -1}, {0, 0, 3, 1}, {2, -1, -1, .5}};
  const std::vector<std::vector<ChoiceOrder>> chosen = {{1, 2, 0, 0}, {1, 0, 2, 0}, {1, 0, 0, 2}};
  const std::vector<std::vector<double>> gates = {
      {.268941, .731059, 0, 0}, {.047426, 0, .952574, 0}, {.817574, 0, 0, .182426}};
  for (std::size_t t = 0; t < 3; ++t) {
    const auto g = normalize(SoftmaxOverChosen{}, z[t], chosen[t]);
    double sum = 0;
    for (std::size_t e = 0; e < 4; ++e) {
      CHECK(std::abs(g[e] - gates[t][e]) < 5e-7);
      sum += g[e];
    }
    CHECK(std::abs(sum - 1) < 1e-15);
  }
}

TEST_CASE("the logit of an unselected expert has a gradient of exactly 0", "[policies]") {
  const std::vector<double> z = {1, 2, 3}, gates = normalize(SoftmaxOverChosen{}, z, {1, 0, 2}), d_gates = {1, 5, -1};
  const std::vector<ChoiceOrder> chosen = {1, 0, 2};
  std::vector<double> d_z(3, 99);
  SoftmaxOverChosen{}.backward(row(z), row(chosen), row(gates), row(d_gates), row(d_z));
  CHECK(d_z[1] == 0);
  CHECK(d_z[0] == Catch::Approx(-d_z[2]).epsilon(1e-14));
}

TEST_CASE("a single selected expert has gate 1 and gives the router no gradient", "[policies]") {
  const std::vector<double> z = {1, 2}, gates = normalize(SoftmaxOverChosen{}, z, {1, 0}), d_gates = {7, 3};
  const std::vector<ChoiceOrder> chosen = {1, 0};
  CHECK(gates == std::vector<double>{1, 0});
  std::vector<double> d_z(2, 99);
  SoftmaxOverChosen{}.backward(row(z), row(chosen), row(gates), row(d_gates), row(d_z));
  CHECK(d_z == std::vector<double>{0, 0});
}

TEST_CASE("SoftmaxOverChosen's gradient matches central differences", "[policies][gradient]") {
  check_normalizer_gradient(SoftmaxOverChosen{});
}

TEST_CASE("SoftmaxOverChosen does not overflow", "[policies]") {
  const auto g = normalize(SoftmaxOverChosen{}, std::vector<float>{1e4f, 1e4f, -1e4f}, {1, 2, 3});
  CHECK(g[0] == 0.5f);
  CHECK(g[1] == 0.5f);
  CHECK(g[2] == 0);
}

TEST_CASE("SoftmaxOverChosen of a row without an expert is 0", "[policies]") {
  CHECK(normalize(SoftmaxOverChosen{}, std::vector<double>{3, 1}, {0, 0}) == std::vector<double>{0, 0});
}

}  // namespace softmax_over_chosen_test
