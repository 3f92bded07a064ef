#include "moe/ops/route.hpp"

#include "moe/backend/cpu/cpu.hpp"
#include "support/catch.hpp"
#include "support/gradient_check.hpp"

namespace route_test {

using namespace moe;
using namespace moe::testing;

namespace {

using B = Cpu<>;
const CpuContext context{.threads = 2};
constexpr Index rows = 9, experts = 3;

/// Choices of nine rows among three experts, some rows without any.
struct Level {
  Matrix<ChoiceOrder, B> chosen{rows, experts};
  Tensor weights{rows, experts};
  explicit Level(const char* name) {
    Draw draw(name);
    fill_normal(draw, weights.view());
    for (Index i = 0; i < chosen.size(); ++i) chosen.data()[i] = static_cast<ChoiceOrder>(draw.between(0, 1));
    for (Index e = 0; e < experts; ++e) chosen.view()(4, e) = 0;
  }
  Route<double, B> route() const {
    return arrived<double, B>(context, begin_route<double, B>(context, chosen.view(), weights.view()));
  }
};

/// The plan of both levels' choices, as if one router had made them.
Plan<B> plan_of_both(const Level& a, const Level& b) {
  Matrix<ChoiceOrder, B> both(rows, 2 * experts);
  for (Index t = 0; t < rows; ++t)
    for (Index e = 0; e < 2 * experts; ++e)
      both.view()(t, e) = e < experts ? a.chosen.view()(t, e) : b.chosen.view()(t, e - experts);
  return B::group_by_expert(context, both);
}

}  // namespace

TEST_CASE("a route has the weight of each pair", "[ops]") {
  const Level level("route");
  const auto route = level.route();
  REQUIRE(route.plan.pairs() > 0);
  for (Index n = 0; n < route.plan.pairs(); ++n)
    CHECK(route.weights_1N.data()[n] ==
          level.weights.view()(route.plan.rows_1N.data()[n], route.plan.experts_1N.data()[n]));
}

TEST_CASE("concatenating two plans gives the plan of both choices side by side", "[ops]") {
  const Level a("first"), b("second");
  const auto both = concatenated<B>(context, a.route().plan, b.route().plan);
  const auto expected = plan_of_both(a, b);
  CHECK(both.offsets == expected.offsets);
  CHECK(same_bits(both.rows_1N, expected.rows_1N));
  CHECK(same_bits(both.experts_1N, expected.experts_1N));
  CHECK(same_bits(both.pair_begin_1T, expected.pair_begin_1T));
  CHECK(same_bits(both.pairs_1N, expected.pairs_1N));
  const auto part = both.part(experts, experts);
  CHECK(part.pairs() == b.route().plan.pairs());
  CHECK(part.first_pair == a.route().plan.pairs());
}

TEST_CASE("pending counts are appended to those of the first plan, and a router's wrong count is found", "[ops]") {
  const Level a("first"), b("second");
  const auto expected = plan_of_both(a, b);
  // As a GPU backend returns them: only the number of pairs is known.
  const auto traveling = [&](const Level& level, Index lie) {
    Plan<B> plan = level.route().plan;
    const Matrix<Index, B> counted = [&] {
      Matrix<Index, B> all(1, experts + 1);
      for (Index e = 0; e <= experts; ++e) all.data()[e] = plan.offsets[static_cast<std::size_t>(e)];
      return all;
    }();
    plan.counted = B::download_async(context, counted.view());
    plan.is_complete = false;
    plan.offsets[1] = GroupOffsets::unknown;
    plan.offsets[2] += lie;
    return plan;
  };
  auto both = concatenated<B>(context, traveling(a, 0), traveling(b, 0));
  CHECK(both.pairs() == expected.pairs());
  CHECK(both.offsets != expected.offsets);
  CHECK(!both.groups().knows(0));
  both.complete();
  CHECK(both.offsets == expected.offsets);
  CHECK_THROWS_WITH(concatenated<B>(context, traveling(a, 1), traveling(b, 0)).complete(),
                    Catch::Matchers::Contains("the router expected"));
  CHECK_THROWS_WITH(concatenated<B>(context, traveling(a, 0), traveling(b, 1)).complete(),
                    Catch::Matchers::Contains("the router expected"));
}

TEST_CASE("a row's mass is the sum of its weights, and the mass's gradient reaches each weight", "[ops]") {
  const Level level("mass");
  const auto route = level.route();
  const auto mass = mass_of_route<double, B>(context, route);
  Draw draw("mass, gradient");
  const auto c = random_matrix<double, B>(draw, 1, rows);
  auto d = Tensor(1, route.plan.pairs());
  add_to_weights_of_rows<double, B>(context, c.view(), route.plan, d.view());
  for (Index t = 0; t < rows; ++t) {
    double sum = 0;
    for (Index e = 0; e < experts; ++e) sum += level.chosen.view()(t, e) != 0 ? level.weights.view()(t, e) : 0.0;
    CHECK(mass.view()(0, t) == sum);
  }
  for (Index n = 0; n < route.plan.pairs(); ++n) CHECK(d.data()[n] == c.data()[route.plan.rows_1N.data()[n]]);
  add_to_weights_of_rows<double, B>(context, {}, route.plan, d.view());
  CHECK(d.data()[0] == c.data()[route.plan.rows_1N.data()[0]]);
}

TEST_CASE("both routes' weights are scaled per row, and their gradients match central differences", "[ops][gradient]") {
  const Level a("first"), b("second");
  auto first = a.route(), second = b.route();
  Draw draw("fused");
  Tensor scale = random_matrix<double, B>(draw, rows, 2);
  const auto plan = plan_of_both(a, b);
  const auto fused = fused_weights<double, B>(context, first, second, scale.const_view());
  for (Index n = 0; n < plan.pairs(); ++n) {
    const Index t = plan.rows_1N.data()[n], e = plan.experts_1N.data()[n];
    CHECK(fused.data()[n] == (e < experts ? a.weights.view()(t, e) * scale.view()(t, 0)
                                          : b.weights.view()(t, e - experts) * scale.view()(t, 1)));
  }
  const auto c = random_matrix<double, B>(draw, 1, plan.pairs());
  const auto value = [&] { return inner(c, fused_weights<double, B>(context, first, second, scale.const_view())); };
  const auto d =
      fused_weights_backward<double, B>(context, c.view(), plan, first.plan.pairs(), first.weights_1N.const_view(),
                                        second.weights_1N.const_view(), scale.const_view());
  check_component_gradients("a", first.weights_1N, d.d_a_1N, value, component_bar);
  check_component_gradients("b", second.weights_1N, d.d_b_1N, value, component_bar);
  check_component_gradients("scale", scale, d.d_scale_T2, value, component_bar);
}

}  // namespace route_test
