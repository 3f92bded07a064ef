#include "moe/ops/scale.hpp"

#include "moe/backend/cpu/cpu.hpp"
#include "support/catch.hpp"
#include "support/gradient_check.hpp"

using namespace moe;
using namespace moe::testing;

namespace {

using B = Cpu<>;
const CpuContext context{.threads = 2};

/// Two levels of three and two experts, or of three channels, over five rows.
struct Inputs {
  Draw draw{"scale"};
  Tensor a = random_matrix<double, B>(draw, 5, 3), b = random_matrix<double, B>(draw, 5, 2),
         other = random_matrix<double, B>(draw, 5, 3), scale = random_matrix<double, B>(draw, 5, 2);
};

}  // namespace

TEST_CASE("a row's gates add up, and what their sum asks for reaches each", "[ops]") {
  Inputs in;
  const auto mass = sum_of_gates<double, B>(context, in.a.view());
  const auto c = random_matrix<double, B>(in.draw, 1, 5);
  auto d_a = in.other.copy();
  add_sum_of_gates_back<double, B>(context, c.view(), d_a.view());
  for (Index t = 0; t < 5; ++t) {
    CHECK(mass.view()(0, t) == in.a.view()(t, 0) + in.a.view()(t, 1) + in.a.view()(t, 2));
    for (Index e = 0; e < 3; ++e) CHECK(d_a.view()(t, e) == in.other.view()(t, e) + c.view()(0, t));
  }
}

TEST_CASE("a scaled sum and its gradients are their formulas", "[ops][gradient]") {
  Inputs in;
  const auto c = random_matrix<double, B>(in.draw, 5, 3);
  const auto value = [&] {
    return inner(c, scaled_sum<double, B>(context, in.a.view(), in.other.view(), in.scale.view()));
  };
  const auto y = scaled_sum<double, B>(context, in.a.view(), in.other.view(), in.scale.view());
  CHECK(y.view()(4, 2) == in.scale.view()(4, 0) * in.a.view()(4, 2) + in.scale.view()(4, 1) * in.other.view()(4, 2));
  auto d_a = in.a.copy(), d_other = in.other.copy();
  const auto d_scale = scaled_sum_back<double, B>(context, c.view(), d_a.view(), d_other.view(), in.scale.view());
  check_component_gradients("a", in.a, d_a, value, component_bar);
  check_component_gradients("b", in.other, d_other, value, component_bar);
  check_component_gradients("scale", in.scale, d_scale, value, component_bar);
}

TEST_CASE("two levels stand side by side, each scaled by its own number", "[ops][gradient]") {
  Inputs in;
  const auto plain = side_by_side<double, B>(context, in.a.view(), in.b.view());
  const auto joined = scaled_side_by_side<double, B>(context, in.a.view(), in.b.view(), in.scale.view());
  REQUIRE(joined.cols() == 5);
  for (Index t = 0; t < 5; ++t)
    for (Index e = 0; e < 5; ++e) {
      CHECK(plain.view()(t, e) == (e < 3 ? in.a.view()(t, e) : in.b.view()(t, e - 3)));
      CHECK(joined.view()(t, e) == plain.view()(t, e) * in.scale.view()(t, e < 3 ? 0 : 1));
    }
  const auto c = random_matrix<double, B>(in.draw, 5, 5);
  const auto value = [&] {
    return inner(c, scaled_side_by_side<double, B>(context, in.a.view(), in.b.view(), in.scale.view()));
  };
  const auto d = scaled_side_by_side_back<double, B>(context, c.view(), in.a.view(), in.b.view(), in.scale.view());
  check_component_gradients("a", in.a, d.d_a_TE, value, component_bar);
  check_component_gradients("b", in.b, d.d_b_TE, value, component_bar);
  check_component_gradients("scale", in.scale, d.d_scale_T2, value, component_bar);
}

TEST_CASE("every value is multiplied, and nothing beside the view is", "[ops]") {
  Inputs in;
  const auto before = in.a.copy();
  multiply_by(context, -2.5, in.a.view().rows_between(1, 4));
  for (Index t = 0; t < 5; ++t)
    for (Index d = 0; d < 3; ++d) CHECK(in.a.view()(t, d) == (t >= 1 && t < 4 ? -2.5 : 1.0) * before.view()(t, d));
}
