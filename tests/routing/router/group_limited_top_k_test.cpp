#include "moe/routing/router/group_limited_top_k.hpp"

#include <algorithm>
#include <limits>
#include <vector>

#include "moe/backend/cpu/cpu.hpp"
#include "moe/layers/presets.hpp"
#include "support/catch.hpp"
#include "support/random_tensors.hpp"
#include "support/rows.hpp"

namespace group_limited_top_k_test {

using namespace moe;
using namespace moe::testing;

namespace {

using Ranks = std::vector<ChoiceOrder>;

/// The rule by sorting: groups by their best expert, then the experts of the kept groups.
Ranks sorted_choice(const GroupLimitedTopK& router, const std::vector<double>& z) {
  const std::size_t size = z.size() / static_cast<std::size_t>(router.groups);
  const auto best_first = [](std::vector<std::size_t>& places, const auto& value) {
    std::stable_sort(places.begin(), places.end(), [&](std::size_t a, std::size_t b) { return value(a) > value(b); });
  };
  std::vector<std::size_t> groups, experts;
  for (std::size_t group = 0; group < z.size() / size; ++group) groups.push_back(group);
  best_first(groups, [&](std::size_t group) {
    const auto begin = z.begin() + static_cast<std::ptrdiff_t>(group * size);
    return *std::max_element(begin, begin + static_cast<std::ptrdiff_t>(size));
  });
  groups.resize(static_cast<std::size_t>(router.kept_groups));
  std::sort(groups.begin(), groups.end());
  for (const std::size_t group : groups)
    for (std::size_t e = group * size; e < (group + 1) * size; ++e) experts.push_back(e);
  best_first(experts, [&](std::size_t e) { return z[e]; });
  Ranks chosen(z.size(), 0);
  for (std::size_t n = 0; n < experts.size() && n < static_cast<std::size_t>(router.k); ++n)
    chosen[experts[n]] = static_cast<ChoiceOrder>(n + 1);
  return chosen;
}

}  // namespace

TEST_CASE("rows select within the groups that have the best experts", "[policies]") {
  // Group 1 has the best expert, group 0 the best two together.
  const std::vector<double> z = {5, 5, 6, -9, 1, 4};
  CHECK(choose(GroupLimitedTopK{.k = 2, .groups = 3, .kept_groups = 1}, z) == Ranks{0, 0, 1, 2, 0, 0});
  CHECK(choose(GroupLimitedTopK{.k = 3, .groups = 3, .kept_groups = 2}, z) == Ranks{2, 3, 1, 0, 0, 0});
  CHECK(choose(GroupLimitedTopK{.k = 4, .groups = 3, .kept_groups = 3}, z) == Ranks{2, 3, 1, 0, 0, 4});
  CHECK(choose(GroupLimitedTopK{.k = 9, .groups = 3, .kept_groups = 1}, z) == Ranks{0, 0, 1, 2, 0, 0});
  CHECK(choose(GroupLimitedTopK{.k = 2}, z) == Ranks{2, 0, 1, 0, 0, 0});
  CHECK(choose(GroupLimitedTopK{.k = 2, .groups = 3, .kept_groups = 2}, std::vector<double>{1, 3, 2}) ==
        Ranks{0, 1, 2});
}

TEST_CASE("among equal groups and equal experts the lower index wins", "[policies]") {
  CHECK(choose(GroupLimitedTopK{.k = 1, .groups = 2, .kept_groups = 1}, std::vector<float>{1, 2, 2, 1}) ==
        Ranks{0, 1, 0, 0});
  CHECK(choose(GroupLimitedTopK{.k = 2, .groups = 2, .kept_groups = 1}, std::vector<float>{2, 2, 2, 2}) ==
        Ranks{1, 2, 0, 0});
}

TEST_CASE("GroupLimitedTopK matches the rule by sorting, for any groups", "[policies]") {
  Draw draw("groups");
  for (int round = 0; round < 500; ++round) {
    const Index groups = draw.between(1, 5), size = draw.between(1, 4);
    const GroupLimitedTopK router{.k = draw.between(1, 6), .groups = groups, .kept_groups = draw.between(1, groups)};
    std::vector<double> z;
    // Few values, so that many are equal.
    for (Index e = 0; e < groups * size; ++e) z.push_back(static_cast<double>(draw.between(-3, 3)));
    const Ranks chosen = choose(router, z);
    INFO("k " << router.k << ", groups " << groups << " of " << size << ", kept " << router.kept_groups);
    CHECK(chosen == sorted_choice(router, z));
    CHECK(router.choices(groups * size) ==
          static_cast<Index>(z.size()) - std::count(chosen.begin(), chosen.end(), ChoiceOrder(0)));
  }
}

TEST_CASE("k experts are selected, also with NaN", "[policies]") {
  const GroupLimitedTopK router{.k = 3, .groups = 3, .kept_groups = 2};
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  for (const auto& z : {std::vector<double>{nan, 1, 2, nan, 0, 0}, std::vector<double>(6, nan)}) {
    Ranks chosen = choose(router, z);
    std::sort(chosen.begin(), chosen.end());
    CHECK(chosen == Ranks{0, 0, 0, 1, 2, 3});
  }
}

TEST_CASE("DeepSeek-V2's groups that do not fit the experts are refused", "[policies][misuse]") {
  using Layer = DeepSeekV2Moe<float, Cpu<>>;
  const auto make = [](GroupLimitedTopK router) {
    return Layer(router, {}, {}, ExpertBank<SwiGlu<float, Cpu<>>>(6, 4, 3),
                 SharedExpert<SwiGlu<float, Cpu<>>, NoGate>(4, 5));
  };
  CHECK_NOTHROW(make({.k = 4, .groups = 3, .kept_groups = 2}));
  CHECK_THROWS_WITH(make({.k = 5, .groups = 3, .kept_groups = 2}), "[GroupLimitedTopK] k must lie in [1, 4], got 5");
  CHECK_THROWS_WITH(make({.groups = 4}), "[GroupLimitedTopK] groups must divide the experts, got 4 and 6");
  CHECK_THROWS_WITH(make({.groups = 0}), "[GroupLimitedTopK] groups must divide the experts, got 0 and 6");
  CHECK_THROWS_WITH(make({.groups = 3, .kept_groups = 0}), "[GroupLimitedTopK] kept_groups must lie in [1, 3], got 0");
}

}  // namespace group_limited_top_k_test
