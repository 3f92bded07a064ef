#include "moe/experts/moe_ffn.hpp"

#include "moe/backend/cpu/cpu.hpp"
#include "moe/experts/expert_bank.hpp"
#include "moe/experts/swiglu.hpp"
#include "support/catch.hpp"
#include "support/gradient_check.hpp"

namespace moe_ffn_test {

using namespace moe;
using namespace moe::testing;

namespace {

using X = SwiGlu<double, Cpu<>>;
const CpuContext context{.threads = 2};

/// 9 rows of width 4: expert 1 has no row, row 3 has no expert, and expert 2 has all other rows.
struct Setup {
  ExpertBank<X> bank{3, 4, 5};
  Tensor x{9, 4}, gates{9, 3}, c{9, 4};
  Matrix<ChoiceOrder, Cpu<>> chosen{9, 3};
  Setup() {
    Draw draw("mix");
    randomize(draw, bank);
    for (Tensor* t : {&x, &gates, &c}) fill_normal(draw, t->view());
    for (Index t = 0; t < 9; ++t) {
      chosen.view()(t, 0) = static_cast<ChoiceOrder>(t % 2 * (t != 3));
      chosen.view()(t, 2) = t != 3;
    }
  }
  Tensor run() const { return moe_ffn_infer<X>(context, bank.span(), x.view(), route()); }
  Route<double, Cpu<>> route() const {
    return arrived<double, Cpu<>>(context, begin_route<double, Cpu<>>(context, chosen.view(), gates.view()));
  }
};

}  // namespace

TEST_CASE("moe_ffn sums each row's expert outputs times their gates", "[ops]") {
  const Setup s;
  const Tensor y = s.run();
  for (Index t = 0; t < 9; ++t) {
    std::vector<double> expected(4, 0.0);
    for (Index e = 0; e < 3; ++e) {
      if (s.chosen.view()(t, e) == 0) continue;
      const auto answer = s.bank.experts[static_cast<std::size_t>(e)].infer(context, s.x.view().rows_between(t, t + 1),
                                                                            Batch::single(1));
      for (Index d = 0; d < 4; ++d) expected[static_cast<std::size_t>(d)] += s.gates.view()(t, e) * answer.data()[d];
    }
    for (Index d = 0; d < 4; ++d)
      CHECK(y.view()(t, d) == Catch::Approx(expected[static_cast<std::size_t>(d)]).epsilon(1e-12).margin(1e-13));
  }
  for (const double value : y.view().row(3)) CHECK(value == 0);
  const auto kept = moe_ffn<X>(context, s.bank.span(), s.x.view(), s.route());
  CHECK(same_bits(kept.first, y));
}

TEST_CASE("moe_ffn's gradients match central differences", "[ops][gradient]") {
  Setup s;
  auto gradient = gradient_for(s.bank);
  auto [y, saved] = moe_ffn<X>(context, std::as_const(s.bank).span(), s.x.const_view(), s.route());
  const auto [d_x, d_weights] =
      moe_ffn_backward<X>(context, std::as_const(s.bank).span(), s.c.const_view(), s.x.const_view(), saved.route,
                          std::move(saved.experts), ExpertSpan(gradient.span()));
  const auto d_gates = gates_of_pairs_backward<double, Cpu<>>(context, d_weights.view(), 9, saved.route.plan);
  const auto loss = [&] { return inner(s.c, s.run()); };
  check_component_gradients("x", s.x, d_x, loss, component_bar);
  check_component_gradients("gates", s.gates, d_gates, loss, component_bar);
  for_each_parameter(
      [&](const std::string& name, auto& weight, const auto& d_weight) {
        check_component_gradients(name, weight, d_weight, loss, component_bar);
      },
      s.bank, gradient);
  for (const double value : values_of(gradient.experts[1].up_proj)) CHECK(value == 0);
}

TEST_CASE("the output of moe_ffn for no rows has no rows", "[ops]") {
  const Setup s;
  const auto none = begin_route<double, Cpu<>>(context, s.chosen.view().rows_between(0, 0),
                                               View<const double, Cpu<>>(s.gates.view().rows_between(0, 0)));
  const auto y = moe_ffn_infer<X>(context, s.bank.span(), s.x.view().rows_between(0, 0),
                                  arrived<double, Cpu<>>(context, {none.chosen_TE, none.weights_TE, {}, {}, {}}));
  CHECK(y.rows() == 0);
  CHECK(y.cols() == 4);
}

}  // namespace moe_ffn_test
