#include "moe/routing/router/biased_top_k.hpp"

#include "moe/backend/cpu/cpu.hpp"
#include "moe/layers/presets.hpp"
#include "moe/train/walk.hpp"
#include "support/catch.hpp"
#include "support/random_tensors.hpp"
#include "support/rows.hpp"

namespace biased_top_k_test {

using namespace moe;
using namespace moe::testing;

namespace {

std::vector<ChoiceOrder> chosen_by(const BiasedTopK& router, const std::vector<double>& z,
                                   const std::vector<double>& biases) {
  std::vector<ChoiceOrder> chosen(z.size(), 99);
  router.choose(row(z), row(chosen), RowContext<double>{.buffer_E = row(biases)});
  return chosen;
}

}  // namespace

TEST_CASE("a bias is added to an expert's score, and ties go to the lower index", "[policies]") {
  const std::vector<double> z = {0, 1, 2, -1};
  CHECK(chosen_by({.k = 2}, z, {0, 0, 0, 0}) == std::vector<ChoiceOrder>{0, 2, 1, 0});
  CHECK(chosen_by({.k = 2}, z, {0, 0, 0, 1}) == std::vector<ChoiceOrder>{0, 0, 2, 1});
  CHECK(chosen_by({.k = 2}, {0, 0, 0}, {0, 0, 0}) == std::vector<ChoiceOrder>{1, 2, 0});
  CHECK(chosen_by({.k = 9}, {0, 1}, {0, 0}) == std::vector<ChoiceOrder>{2, 1});
}

TEST_CASE("rows select within the best groups, scored by the sum of their two best experts", "[policies]") {
  // Group 1 has the best expert, group 0 the two best together.
  const std::vector<double> z = {2, 2, 9, -9, 1, 1}, none(6, 0.0);
  CHECK(chosen_by({.k = 2, .groups = 3, .kept_groups = 1}, z, none) == std::vector<ChoiceOrder>{1, 2, 0, 0, 0, 0});
  CHECK(chosen_by({.k = 3, .groups = 3, .kept_groups = 2}, z, none) == std::vector<ChoiceOrder>{1, 2, 0, 0, 3, 0});
  CHECK(chosen_by({.k = 9, .groups = 3, .kept_groups = 1}, z, none) == std::vector<ChoiceOrder>{1, 2, 0, 0, 0, 0});
  CHECK(BiasedTopK{.k = 9, .groups = 3, .kept_groups = 1}.choices(6) == 2);
  // A group of one expert has that expert's score.
  CHECK(chosen_by({.k = 2, .groups = 3, .kept_groups = 2}, {1, 3, 2}, {0, 0, 0}) == std::vector<ChoiceOrder>{0, 1, 2});
}

TEST_CASE("bias updates make the load more even", "[policies][layers]") {
  using Layer = DeepSeekV3Moe<double, Cpu<>>;
  const CpuContext context;
  Layer layer(BiasedTopK{.k = 2, .rate = 0.004}, {}, {}, ExpertBank<SwiGlu<double, Cpu<>>>(6, 4, 3),
              SharedExpert<SwiGlu<double, Cpu<>>, NoGate>(4, 5));
  Draw draw("biases");
  randomize(draw, layer);
  auto x_TD = random_matrix<double, Cpu<>>(draw, 300, 4);
  // A component that all rows share makes most rows select the same experts.
  for (Index t = 0; t < 300; ++t) x_TD.view()(t, 0) += 3;
  const auto spread = [&] {
    const auto run = layer.forward(context, x_TD, Batch::single(300));
    const auto [least, most] = std::minmax_element(run.stats.load.begin(), run.stats.load.end());
    layer.update_buffers(context, run.stats);
    return *most - *least;
  };
  const Index before = spread();
  CHECK(before > 150);
  for (int step = 0; step < 500; ++step) spread();
  CHECK(spread() < before / 3);
  double moved = 0;
  for_each_buffer(
      [&](const std::string& name, const auto& values) {
        CHECK(name == "biases");
        for (Index e = 0; e < values.size(); ++e) moved += std::abs(values.data()[e]);
      },
      layer);
  CHECK(moved > 0.1);
}

TEST_CASE("groups that do not fit the experts are refused", "[policies]") {
  using Layer = DeepSeekV3Moe<float, Cpu<>>;
  const auto make = [](BiasedTopK router) {
    return Layer(router, {}, {}, ExpertBank<SwiGlu<float, Cpu<>>>(6, 4, 3),
                 SharedExpert<SwiGlu<float, Cpu<>>, NoGate>(4, 5));
  };
  CHECK_THROWS_WITH(make({.groups = 4}), "[BiasedTopK] groups must divide the experts, got 4 and 6");
  CHECK_THROWS_WITH(make({.groups = 3, .kept_groups = 4}), "[BiasedTopK] kept_groups must lie in [1, 3], got 4");
}

}  // namespace biased_top_k_test
