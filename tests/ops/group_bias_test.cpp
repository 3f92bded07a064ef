#include "moe/ops/group_bias.hpp"

#include "support/catch.hpp"
#include "support/gradient_check.hpp"

namespace group_bias_test {

using namespace moe;
using namespace moe::testing;

namespace {
using Const = View<const double, Cpu<>>;
using Mutable = View<double, Cpu<>>;
const CpuContext context{.threads = 2};
// The second group has no rows.
const std::vector<Index> offsets = {0, 2, 2, 5};
const std::vector<Index> group_of = {0, 0, 2, 2, 2};
}  // namespace

TEST_CASE("each group's bias is added to its rows, and its gradient is the sum over them", "[ops]") {
  Draw draw("group biases");
  const auto b_GF = random_matrix<double, Cpu<>>(draw, 3, 4), y_NF = random_matrix<double, Cpu<>>(draw, 5, 4),
             gates_1N = random_matrix<double, Cpu<>>(draw, 1, 5);
  std::vector<Const> biases;
  for (Index g = 0; g < 3; ++g) biases.push_back(b_GF.view().rows_between(g, g + 1));

  auto sum_NF = y_NF.copy();
  add_group_biases(context, ListView<Const>(biases), offsets, sum_NF.view());
  auto d_gates_1N = gates_1N.copy();
  add_group_bias_products(context, y_NF.view(), ListView<Const>(biases), offsets, d_gates_1N.view());
  for (Index n = 0; n < 5; ++n) {
    const Index g = group_of[static_cast<std::size_t>(n)];
    double product = gates_1N.view()(0, n);
    for (Index f = 0; f < 4; ++f) {
      CHECK(sum_NF.view()(n, f) == y_NF.view()(n, f) + b_GF.view()(g, f));
      product += y_NF.view()(n, f) * b_GF.view()(g, f);
    }
    CHECK(d_gates_1N.view()(0, n) == Catch::Approx(product).epsilon(1e-13));
  }

  for (const bool gated : {true, false}) {
    auto d_b_GF = b_GF.copy();
    std::vector<Mutable> slopes;
    for (Index g = 0; g < 3; ++g) slopes.push_back(d_b_GF.view().rows_between(g, g + 1));
    add_group_bias_gradients<double>(context, y_NF.view(), gated ? gates_1N.view() : Const{}, offsets,
                                     ListView<Mutable>(slopes));
    for (Index g = 0; g < 3; ++g)
      for (Index f = 0; f < 4; ++f) {
        double sum = b_GF.view()(g, f);
        for (Index n = 0; n < 5; ++n)
          if (group_of[static_cast<std::size_t>(n)] == g)
            sum += (gated ? gates_1N.view()(0, n) : 1) * y_NF.view()(n, f);
        CHECK(d_b_GF.view()(g, f) == Catch::Approx(sum).epsilon(1e-13).margin(1e-14));
      }
  }
}

TEST_CASE("a bias without a gradient is skipped", "[ops]") {
  const Tensor d_y_NF(5, 4);
  const std::vector<Mutable> none(3);
  CHECK_NOTHROW(add_group_bias_gradients<double>(context, d_y_NF.view(), {}, offsets, ListView<Mutable>(none)));
}

}  // namespace group_bias_test
