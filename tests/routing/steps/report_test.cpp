#include "moe/routing/steps/report.hpp"

#include <vector>

#include "moe/backend/cpu/cpu.hpp"
#include "support/catch.hpp"

namespace report_test {

using namespace moe;

TEST_CASE("an observer is called with copies, gates of kept pairs only, all logits, and segment begins", "[ops]") {
  Matrix<ChoiceOrder, Cpu<>> chosen(2, 2), kept(2, 2);
  Matrix<float, Cpu<>> gates(2, 2), logits(2, 2);
  chosen.data()[0] = chosen.data()[2] = 1, chosen.data()[3] = 2;
  kept.data()[0] = kept.data()[2] = 1;
  for (Index i = 0; i < 4; ++i) gates.data()[i] = 0.25f * static_cast<float>(i + 1);
  for (Index i = 0; i < 4; ++i) logits.data()[i] = 0.5f - static_cast<float>(i);
  std::vector<Observation> seen;
  CpuContext context{.observer = [&](const Observation& o) { seen.push_back(o); }};
  context.layer = 7;
  const auto tell = [&](ListView<Index> begin, View<const float, Cpu<>> logits_RE) {
    report<float, Cpu<>>(context, {"token", begin}, chosen.const_view(), kept.const_view(), gates.const_view(),
                         logits_RE);
  };
  tell({}, logits.const_view());
  tell({0, 5, 6}, {});
  REQUIRE(seen.size() == 2);
  CHECK(seen[0].layer == 7);
  CHECK(seen[0].level == "token");
  CHECK(seen[0].chosen == std::vector<ChoiceOrder>{1, 0, 1, 2});
  CHECK(seen[0].kept == std::vector<ChoiceOrder>{1, 0, 1, 0});
  CHECK(seen[0].gates == std::vector<double>{0.25, 0, 0.75, 0});
  CHECK(seen[0].logits == std::vector<double>{0.5, -0.5, -1.5, -2.5});
  CHECK(seen[1].logits.empty());
  CHECK(seen[0].begin == std::vector<Index>{0, 1, 2});
  CHECK(seen[1].begin == std::vector<Index>{0, 5, 6});
  context.observer = {};
  tell({}, {});
  CHECK(seen.size() == 2);
}

}  // namespace report_test
