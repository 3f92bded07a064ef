#include "moe/routing/steps/normalize.hpp"

#include "moe/backend/cpu/cpu.hpp"
#include "moe/routing/normalizer/softmax_over_all.hpp"
#include "support/catch.hpp"
#include "support/gradient_check.hpp"

namespace normalize_test {

using namespace moe;
using namespace moe::testing;

TEST_CASE("normalize and its backward apply the normalizer to every row", "[ops][gradient]") {
  const CpuContext context{.threads = 2};
  Draw draw("normalize");
  // More rows than a tile has.
  auto z = random_matrix<double, Cpu<>>(draw, 40, 5);
  const auto c = random_matrix<double, Cpu<>>(draw, 40, 5);
  Matrix<ChoiceOrder, Cpu<>> chosen(40, 5);
  for (Index i = 0; i < chosen.size(); ++i) chosen.data()[i] = static_cast<ChoiceOrder>(draw.between(0, 1));
  const auto gates = [&] { return normalize<double, Cpu<>>(context, SoftmaxOverAll{}, z.view(), chosen.const_view()); };
  const auto g = gates();
  for (Index i = 0; i < g.size(); ++i) CHECK((g.data()[i] == 0) == (chosen.data()[i] == 0));
  const auto d_z =
      normalize_backward<double, Cpu<>>(context, SoftmaxOverAll{}, z.view(), chosen.const_view(), g.view(), c.view());
  check_component_gradients(
      "logits", z, d_z, [&] { return inner(c, gates()); }, component_bar);
}

}  // namespace normalize_test
