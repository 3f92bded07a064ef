/// Routing on an accelerator whose teams have several lanes, compared with one thread.
#include "moe/backend/cuda/accelerator.cuh"

#include <limits>

#include "backend/cuda/on_device.hpp"
#include "moe/backend/cpu/cpu.hpp"
#include "support/catch.hpp"
#include "support/device_run.hpp"
#include "support/emulated_device.hpp"
#include "support/random_tensors.hpp"
#include "support/tolerance.hpp"

namespace accelerator_test {

using namespace moe;
using namespace moe::testing;

#ifndef MOE_SLOW_BUILD
// Lanes switch stacks, which sanitizers report as an error.
TEST_CASE("selection and gates are the same with several lanes per row as with one thread", "[accelerator]") {
  using Warps = EmulatedWarps;
  const WithLanes eight(8);
  const Warps::Context lanes;
  for (std::uint32_t i = 0; i < 60; ++i) {
    Draw draw("lanes choose", i);
    const Index rows = draw.between(1, 4), experts = draw.between(1, 20);
    auto logits = random_matrix<double, Cpu<>>(draw, rows, experts);
    for (Index c = 0; c < logits.size(); ++c) {
      if (draw.one_in(2)) logits.data()[c] = static_cast<double>(draw.between(-1, 1));
      if (draw.one_in(9)) logits.data()[c] = draw.one_in(2) ? std::numeric_limits<double>::quiet_NaN() : -0.0;
    }
    auto logits_there = Matrix<double, Warps>::uninitialized(lanes, rows, experts);
    Warps::upload(lanes, logits.data(), logits_there.view());
    const SharedTopK router{.k = draw.between(1, 5), .shared = draw.between(-1, experts - 1)};
    Matrix<ChoiceOrder, Cpu<>> chosen(rows, experts);
    Matrix<double, Cpu<>> gates(rows, experts);
    auto chosen_there = Matrix<ChoiceOrder, Warps>::uninitialized(lanes, rows, experts);
    choose_by_logits<double, Warps>(lanes, router, logits_there.const_view(), chosen_there.view());
    for (Index r = 0; r < rows; ++r) {
      router.choose(logits.const_view().row(r), chosen.view().row(r));
      SoftmaxOverChosen{}.normalize(logits.const_view().row(r), chosen.const_view().row(r), gates.view().row(r));
    }
    std::vector<ChoiceOrder> ranks(static_cast<std::size_t>(chosen.size()));
    Warps::download(lanes, chosen_there.const_view(), ranks.data());
    INFO("case " << i << ", MOE_TEST_SEED=" << seed());
    CHECK(ranks == listed(chosen));
    const auto gates_there =
        normalize<double, Warps>(lanes, SoftmaxOverChosen{}, logits_there.const_view(), chosen_there.const_view());
    std::vector<double> weights(ranks.size());
    Warps::download(lanes, gates_there.view(), weights.data());
    for (std::size_t c = 0; c < weights.size(); ++c) {
      const double expected = gates.data()[c];
      CHECK(((std::isnan(expected) && std::isnan(weights[c])) || std::abs(weights[c] - expected) < 1e-14));
    }
  }
}
#endif

}  // namespace accelerator_test
