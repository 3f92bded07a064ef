#include "moe/modules/fusion/fixed_fusion.hpp"

#include "moe/concepts/fusion.hpp"
#include "support/catch.hpp"
#include "support/gradient_check.hpp"

using namespace moe;
using namespace moe::testing;

namespace {

using B = Cpu<>;
const CpuContext context{.threads = 2};
static_assert(Fusion<FixedFusion>);

struct Inputs {
  Tensor token{40, 3}, segment{40, 3}, mass{1, 40}, c{40, 3};
  Inputs() {
    Draw draw("fusion");
    for (Tensor* t : {&token, &segment, &c}) fill_normal(draw, t->view());
    // A row that no segment expert chose has mass 0.
    for (Index t = 1; t < 40; ++t) mass.data()[t] = 2 * draw.uniform();
  }
  auto run(const FixedFusion& fusion) const {
    return fusion.forward<double, B>(context, token.copy(), segment.copy(), mass.view());
  }
};

}  // namespace

TEST_CASE("FixedFusion is two constants", "[modules][gradient]") {
  Inputs in;
  FixedFusion fusion{.token = 0.6, .segment = -0.2};
  const auto [y, saved] = in.run(fusion);
  for (Index i = 0; i < y.size(); ++i)
    CHECK(y.data()[i] ==
          Catch::Approx(0.6 * in.token.data()[i] - 0.2 * in.segment.data()[i]).epsilon(1e-13).margin(1e-14));
  const auto d = fusion.backward<double, B>(context, std::as_const(in.c).view(), {}, fusion);
  const auto loss = [&] { return inner(in.c, in.run(fusion).first); };
  check_component_gradients("token", in.token, d.d_token_TD, loss, component_bar);
  check_component_gradients("segment", in.segment, d.d_segment_TD, loss, component_bar);
  CHECK(d.d_mass_1T.empty());
}

TEST_CASE("FixedFusion's defaults are the released ones", "[modules][golden]") {
  CHECK(FixedFusion{}.token == 0.7);
  CHECK(FixedFusion{}.segment == 0.3);
}
