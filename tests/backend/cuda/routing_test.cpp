/// The accelerator's selections and plans on the emulated device, compared with the CPU.
#include "moe/backend/cuda/routing.cuh"

#include <algorithm>
#include <limits>

#include "backend/cuda/on_device.hpp"
#include "support/catch.hpp"
#include "support/emulated_device.hpp"
#include "support/random_tensors.hpp"

namespace routing_test {

using namespace moe;
using namespace moe::testing;

namespace {

using A = Emulated;

}  // namespace

TEST_CASE("top_rows matches the CPU's, by comparisons and by sorting, with ties and NaN", "[accelerator]") {
  const CpuContext cpu{.threads = 1};
  for (std::uint32_t i = 0; i < 60; ++i) {
    Draw draw("top rows", i);
    // From compared_rows rows on, top_rows sorts.
    const Index rows = i < 50 ? draw.between(0, 40) : A::compared_rows + draw.between(-1, 2),
                experts = draw.between(1, 5), take = draw.between(0, rows);
    auto scores = random_matrix<float, Cpu<>>(draw, rows, experts);
    for (Index c = 0; c < scores.size(); ++c) {
      if (draw.one_in(2)) scores.data()[c] = static_cast<float>(draw.between(-1, 1));
      if (draw.one_in(9)) scores.data()[c] = draw.one_in(2) ? std::numeric_limits<float>::quiet_NaN() : -0.0f;
    }
    Matrix<ChoiceOrder, Cpu<>> chosen(rows, experts);
    Matrix<float, Cpu<>> boundary(1, experts);
    Cpu<>::top_rows(cpu, scores, take, chosen.view(), boundary.view());
    auto chosen_there = Matrix<ChoiceOrder, A>::uninitialized(context(), rows, experts);
    auto boundary_there = Matrix<float, A>::uninitialized(context(), 1, experts);
    const auto scores_there = sent(scores);
    A::top_rows(context(), scores_there, take, chosen_there.view(), boundary_there.view());
    INFO("case " << i << ", MOE_TEST_SEED=" << seed());
    CHECK(fetched(chosen_there) == listed(chosen));
    const auto boundaries = fetched(boundary_there);
    for (Index e = 0; e < experts && rows > 0; ++e) {
      const float a = boundary.data()[e], b = boundaries[static_cast<std::size_t>(e)];
      CHECK((a == b || (a != a && b != b)));
    }
  }
}

TEST_CASE("dropped pairs and the grouping of pairs match the CPU's", "[accelerator]") {
  const CpuContext cpu{.threads = 1};
  for (std::uint32_t i = 0; i < 200; ++i) {
    Draw draw("drop and group", i);
    const Index rows = draw.between(0, 30), experts = draw.between(1, 6), take = draw.between(0, rows + 2);
    Matrix<ChoiceOrder, Cpu<>> chosen(rows, experts);
    for (Index c = 0; c < chosen.size(); ++c)
      chosen.data()[c] = static_cast<ChoiceOrder>(std::max<Index>(0, draw.between(-2, 3)));
    auto chosen_there = sent(chosen);
    Matrix<Index, Cpu<>> dropped(1, experts);
    auto dropped_there = Matrix<Index, A>::uninitialized(context(), 1, experts);
    Cpu<>::drop_overflow(cpu, take, chosen.view(), dropped.view());
    A::drop_overflow(context(), take, chosen_there.view(), dropped_there.view());
    INFO("case " << i << ", MOE_TEST_SEED=" << seed());
    CHECK(fetched(chosen_there) == listed(chosen));
    CHECK(fetched(dropped_there) == listed(dropped));

    const auto plan = Cpu<>::group_by_expert(cpu, chosen.const_view());
    const auto plan_there = A::group_by_expert(context(), chosen_there.const_view());
    CHECK(plan_there.offsets == plan.offsets);
    CHECK(fetched(plan_there.rows_1N) == listed(plan.rows_1N));
    CHECK(fetched(plan_there.experts_1N) == listed(plan.experts_1N));
    CHECK(fetched(plan_there.pair_begin_1T) == listed(plan.pair_begin_1T));
    CHECK(fetched(plan_there.pairs_1N) == listed(plan.pairs_1N));
  }
}

TEST_CASE("pair counts that differ from the expected ones throw an Error", "[accelerator]") {
  const Matrix<ChoiceOrder, Cpu<>> chosen = [] {
    Matrix<ChoiceOrder, Cpu<>> all(10, 3);
    for (Index t = 0; t < 10; ++t) all.view()(t, 0) = 1, all.view()(t, 2) = 2;
    return all;
  }();
  const auto chosen_there = sent(chosen);
  const auto grouped = [&](const ExpectedCounts& expected) {
    const auto view = chosen_there.const_view();
    return A::finish_grouping(context(), view, A::begin_grouping(context(), view, expected));
  };
  auto less = grouped({10, {}}), elsewhere = grouped({20, {5, GroupOffsets::unknown, GroupOffsets::unknown}});
  CHECK_THROWS_WITH(less.complete(), "[Plan] the router expected 10 pairs before expert 3, got 20");
  CHECK_THROWS_WITH(elsewhere.complete(), "[Plan] the router expected 5 pairs before expert 1, got 10");
  auto right = grouped({20, {10, GroupOffsets::unknown, GroupOffsets::unknown}});
  CHECK(right.pairs() == 20);
  CHECK_FALSE(right.is_complete);
  right.complete();
  CHECK(right.offsets == std::vector<Index>{0, 10, 10, 20});
}

}  // namespace routing_test
