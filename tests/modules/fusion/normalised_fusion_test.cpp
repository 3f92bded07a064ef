#include "moe/modules/fusion/normalised_fusion.hpp"

#include "moe/concepts/fusion.hpp"
#include "support/catch.hpp"
#include "support/gradient_check.hpp"

using namespace moe;
using namespace moe::testing;

namespace {

using B = Cpu<>;
const CpuContext context{.threads = 2};
static_assert(Fusion<NormalisedFusion>);

struct Inputs {
  Tensor token{40, 3}, segment{40, 3}, mass{1, 40}, c{40, 3};
  Inputs() {
    Draw draw("fusion");
    for (Tensor* t : {&token, &segment, &c}) fill_normal(draw, t->view());
    // A row that no segment expert chose has mass 0.
    for (Index t = 1; t < 40; ++t) mass.data()[t] = 2 * draw.uniform();
  }
  auto run(const NormalisedFusion& fusion) const {
    return fusion.forward<double, B>(context, token.copy(), segment.copy(), mass.view());
  }
};

}  // namespace

TEST_CASE("NormalisedFusion divides by the weights that took part", "[modules][gradient]") {
  Inputs in;
  NormalisedFusion fusion{.token = 0.6, .segment = 0.4};
  auto [y, saved] = in.run(fusion);
  for (Index t = 0; t < 40; ++t)
    for (Index d = 0; d < 3; ++d)
      CHECK(y.view()(t, d) == Catch::Approx((0.6 * in.token.view()(t, d) + 0.4 * in.segment.view()(t, d)) /
                                            (0.6 + 0.4 * in.mass.data()[t]))
                                  .epsilon(1e-13));
  const auto d = fusion.backward<double, B>(context, std::as_const(in.c).view(), std::move(saved), fusion);
  const auto loss = [&] { return inner(in.c, in.run(fusion).first); };
  check_component_gradients("token", in.token, d.d_token_TD, loss, component_bar);
  check_component_gradients("segment", in.segment, d.d_segment_TD, loss, component_bar);
  check_component_gradients("mass", in.mass, d.d_mass_1T, loss, component_bar);
}

TEST_CASE("where all experts agree, NormalisedFusion gives their answer", "[modules]") {
  Inputs in;
  // Segment experts that answer as the token experts do: O_segment = mass times that answer.
  for (Index t = 0; t < 40; ++t)
    for (Index d = 0; d < 3; ++d) in.segment.view()(t, d) = in.mass.data()[t] * in.token.view()(t, d);
  const auto y = in.run(NormalisedFusion{}).first;
  for (Index i = 0; i < y.size(); ++i) CHECK(y.data()[i] == Catch::Approx(in.token.data()[i]).epsilon(1e-13));
}
