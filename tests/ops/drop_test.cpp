#include "moe/ops/drop.hpp"

#include <vector>

#include "moe/backend/cpu/cpu.hpp"
#include "moe/policies/capacity/capacity_factor.hpp"
#include "support/catch.hpp"

using namespace moe;

namespace {

using B = Cpu<>;
const CpuContext context{.threads = 2};

Kept<B> kept(const CapacityFactor& capacity, Index experts, const std::vector<Rank>& chosen) {
  const auto rows = static_cast<Index>(chosen.size()) / experts;
  return drop_over_capacity<B>(context, capacity, View<const Rank, B>(chosen.data(), rows, experts));
}
std::vector<Rank> ranks(const Kept<B>& k) { return {k.kept_RE.data(), k.kept_RE.data() + k.kept_RE.size()}; }

}  // namespace

TEST_CASE("first choices come before second ones, lower rows before higher ones", "[ops]") {
  // Four rows, two choices each of two experts: every expert may take 2 of the 4 that want it.
  const auto result = kept({.factor = 0.5, .minimum = 1}, 2, {2, 1, 1, 2, 2, 1, 1, 2});
  CHECK(ranks(result) == std::vector<Rank>{0, 1, 1, 0, 0, 1, 1, 0});
  CHECK(result.dropped == std::vector<Index>{2, 2});
  const auto third = kept({.factor = 0.75, .minimum = 1}, 2, {2, 1, 1, 2, 2, 1, 1, 2});
  CHECK(ranks(third) == std::vector<Rank>{2, 1, 1, 2, 0, 1, 1, 0});
  CHECK(third.dropped == std::vector<Index>{1, 1});
}

TEST_CASE("with room for all nothing is dropped", "[ops]") {
  const std::vector<Rank> chosen = {1, 0, 1, 0, 1, 0};
  const auto result = kept({.factor = 2}, 2, chosen);
  CHECK(ranks(result) == chosen);
  CHECK(result.dropped == std::vector<Index>{0, 0});
  CHECK(kept({}, 2, {}).dropped == std::vector<Index>{0, 0});
}
