#include "moe/experts/moe_ffn.hpp"

#include "moe/backend/cpu/cpu.hpp"
#include "moe/experts/expert_bank.hpp"
#include "moe/experts/swiglu.hpp"
#include "support/catch.hpp"
#include "support/gradient_check.hpp"

using namespace moe;
using namespace moe::testing;

namespace {

using X = SwiGlu<double, Cpu<>>;
const CpuContext context{.threads = 2};

/// 9 rows of width 4; expert 1 has no row, expert 2 has all, row 3 is nobody's.
struct Setup {
  ExpertBank<X> bank{3, 4, 5};
  Tensor x{9, 4}, gates{9, 3}, c{9, 4};
  Matrix<Rank, Cpu<>> chosen{9, 3};
  Setup() {
    Draw draw("mix");
    randomise(draw, bank);
    for (Tensor* t : {&x, &gates, &c}) fill_normal(draw, t->view());
    for (Index t = 0; t < 9; ++t) {
      chosen.view()(t, 0) = static_cast<Rank>(t % 2 * (t != 3));
      chosen.view()(t, 2) = t != 3;
    }
  }
  Tensor run() const {
    return mix_infer<X>(context, bank.span(), x.view(), Cpu<>::group_by_expert(context, chosen), gates.view());
  }
};

}  // namespace

TEST_CASE("mix adds up each row's answers times their gates", "[ops]") {
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
  const auto kept =
      mix<X>(context, s.bank.span(), s.x.view(), Cpu<>::group_by_expert(context, s.chosen), s.gates.view());
  CHECK(same_bits(kept.first, y));
}

TEST_CASE("mix's gradients are those of central differences", "[ops][gradient]") {
  Setup s;
  auto gradient = gradient_for(s.bank);
  auto [y, saved] = mix<X>(context, std::as_const(s.bank).span(), std::as_const(s.x).view(),
                           Cpu<>::group_by_expert(context, s.chosen), std::as_const(s.gates).view());
  const auto [d_x, d_gates] = mix_back<X>(context, std::as_const(s.bank).span(), std::as_const(s.c).view(),
                                          std::as_const(s.x).view(), std::move(saved), ExpertSpan(gradient.span()));
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

TEST_CASE("mix of no rows is no rows", "[ops]") {
  const Setup s;
  const auto y = mix_infer<X>(context, s.bank.span(), s.x.view().rows_between(0, 0),
                              Cpu<>::group_by_expert(context, s.chosen.view().rows_between(0, 0)),
                              s.gates.view().rows_between(0, 0));
  CHECK(y.rows() == 0);
  CHECK(y.cols() == 4);
}
