#include "moe/ops/dispatch.hpp"

#include "moe/backend/cpu/cpu.hpp"
#include "support/catch.hpp"
#include "support/random_tensors.hpp"

namespace dispatch_test {

using namespace moe;
using namespace moe::testing;

TEST_CASE("gates_of_pairs gathers each pair's gate, and its backward scatters the gradients back", "[ops]") {
  const CpuContext context;
  Draw draw("dispatch");
  Matrix<ChoiceOrder, Cpu<>> chosen(7, 3);
  for (Index i = 0; i < chosen.size(); ++i) chosen.data()[i] = static_cast<ChoiceOrder>(draw.between(0, 1));
  const auto plan = Cpu<>::group_by_expert(context, chosen);
  const auto gates = random_matrix<double, Cpu<>>(draw, 7, 3);
  const auto of_pairs = gates_of_pairs<double, Cpu<>>(context, gates.view(), plan);
  REQUIRE(of_pairs.cols() == plan.pairs());
  REQUIRE(plan.pairs() > 0);
  for (Index n = 0; n < plan.pairs(); ++n)
    CHECK(of_pairs.data()[n] == gates.view()(plan.rows_1N.data()[n], plan.experts_1N.data()[n]));
  const auto back = gates_of_pairs_backward<double, Cpu<>>(context, of_pairs.view(), 7, plan);
  for (Index t = 0; t < 7; ++t)
    for (Index e = 0; e < 3; ++e) CHECK(back.view()(t, e) == (chosen.view()(t, e) != 0 ? gates.view()(t, e) : 0));
}

TEST_CASE("add_pairs adds the outputs of a row's pairs, and a row without pairs is unchanged", "[ops]") {
  const CpuContext context{.threads = 2};
  Draw draw("add pairs");
  Matrix<ChoiceOrder, Cpu<>> chosen(40, 3);
  for (Index i = 3; i < chosen.size(); ++i) chosen.data()[i] = static_cast<ChoiceOrder>(draw.between(0, 1));
  const auto plan = Cpu<>::group_by_expert(context, chosen);
  const auto base = random_matrix<double, Cpu<>>(draw, 40, 4),
             y_ND = random_matrix<double, Cpu<>>(draw, plan.pairs(), 4);
  auto y_TD = base.copy(), expected = base.copy();
  add_pairs<double, Cpu<>>(context, y_ND.view(), plan, y_TD.view());
  for (Index n = 0; n < plan.pairs(); ++n)
    for (Index d = 0; d < 4; ++d) expected.view()(plan.rows_1N.data()[n], d) += y_ND.view()(n, d);
  CHECK(same_bits(y_TD, expected));
  for (Index d = 0; d < 4; ++d) CHECK(y_TD.view()(0, d) == base.view()(0, d));
}

}  // namespace dispatch_test
