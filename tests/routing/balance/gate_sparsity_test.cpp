#include "moe/routing/balance/gate_sparsity.hpp"

#include <vector>

#include "moe/routing/balance/balance.hpp"
#include "support/catch.hpp"

namespace gate_sparsity_test {

using namespace moe;
static_assert(Balance<GateSparsity> && ScoresRows<GateSparsity> && LearnsWeight<GateSparsity>);
static_assert(!balances_sequences<GateSparsity>);

TEST_CASE("the weight grows if rows select more than k experts on average, and shrinks if fewer", "[policies]") {
  const GateSparsity sparsity{.k = 2};
  CHECK(sparsity.updated_weight(1, 2.5) == 1.2);
  CHECK(sparsity.updated_weight(1, 1.5) == 1 / 1.2);
  CHECK(sparsity.updated_weight(1, 2) == 1);
}

TEST_CASE("p is the ReLU gate, which is 0 for a logit below 0", "[policies]") {
  const std::vector<double> z = {-1, 0, 2}, f = {0.5, 0.5, 0.25};
  std::vector<double> p(3), d_z = {1, 1, 1};
  const Row<const double> z_E{z.data(), 3}, f_E{f.data(), 3};
  GateSparsity{}.score(z_E, Row<double>{p.data(), 3});
  CHECK(p == std::vector<double>{0, 0, 2});
  GateSparsity{}.score_backward(z_E, Row<const double>{p.data(), 3}, f_E, 2.0, Row<double>{d_z.data(), 3});
  CHECK(d_z == std::vector<double>{1, 1, 1.5});
}

}  // namespace gate_sparsity_test
