#include "moe/ops/scale.hpp"

#include "moe/backend/cpu/cpu.hpp"
#include "support/catch.hpp"
#include "support/gradient_check.hpp"

namespace scale_test {

using namespace moe;
using namespace moe::testing;

namespace {

using B = Cpu<>;
const CpuContext context{.threads = 2};

/// Two levels of three channels over five rows.
struct Inputs {
  Draw draw{"scale"};
  Tensor a = random_matrix<double, B>(draw, 5, 3), other = random_matrix<double, B>(draw, 5, 3),
         scale = random_matrix<double, B>(draw, 5, 2);
};

}  // namespace

TEST_CASE("scaled_sum matches its formula, and its gradients match central differences", "[ops][gradient]") {
  Inputs in;
  const auto c = random_matrix<double, B>(in.draw, 5, 3);
  const auto value = [&] {
    return inner(c, scaled_sum<double, B>(context, in.a.view(), in.other.view(), in.scale.view()));
  };
  const auto y = scaled_sum<double, B>(context, in.a.view(), in.other.view(), in.scale.view());
  CHECK(y.view()(4, 2) == in.scale.view()(4, 0) * in.a.view()(4, 2) + in.scale.view()(4, 1) * in.other.view()(4, 2));
  auto d_a = in.a.copy(), d_other = in.other.copy();
  const auto d_scale = scaled_sum_backward<double, B>(context, c.view(), d_a.view(), d_other.view(), in.scale.view());
  check_component_gradients("a", in.a, d_a, value, component_bar);
  check_component_gradients("b", in.other, d_other, value, component_bar);
  check_component_gradients("scale", in.scale, d_scale, value, component_bar);
}

TEST_CASE("multiply_by scales every value of the view and nothing outside it", "[ops]") {
  Inputs in;
  const auto before = in.a.copy();
  multiply_by(context, -2.5, in.a.view().rows_between(1, 4));
  for (Index t = 0; t < 5; ++t)
    for (Index d = 0; d < 3; ++d) CHECK(in.a.view()(t, d) == (t >= 1 && t < 4 ? -2.5 : 1.0) * before.view()(t, d));
}

}  // namespace scale_test
