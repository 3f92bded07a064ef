#include "moe/routing/steps/drop.hpp"

#include <vector>

#include "moe/backend/cpu/cpu.hpp"
#include "moe/routing/capacity/capacity_factor.hpp"
#include "support/catch.hpp"

namespace drop_test {

using namespace moe;

namespace {

using B = Cpu<>;
const CpuContext context{.threads = 2};

Kept<B> kept(const CapacityFactor& capacity, Index experts, const std::vector<float>& logits,
             const std::vector<ChoiceOrder>& chosen, RandomKey key = {}) {
  const auto rows = static_cast<Index>(chosen.size()) / experts;
  return drop_overflow_rows<float, B>(context, capacity, View<const float, B>(logits.data(), rows, experts),
                                      View<const ChoiceOrder, B>(chosen.data(), rows, experts), key);
}
Kept<B> kept(const CapacityFactor& capacity, Index experts, const std::vector<ChoiceOrder>& chosen) {
  const std::vector<float> logits(chosen.size(), 0.0f);
  return kept(capacity, experts, logits, chosen);
}
std::vector<ChoiceOrder> ranks(const Kept<B>& k) { return {k.kept_RE.data(), k.kept_RE.data() + k.kept_RE.size()}; }

}  // namespace

TEST_CASE("first choices are kept before second ones, lower rows before higher ones", "[ops]") {
  // Four rows, two choices each of two experts: every expert has a capacity of 2 for its 4 pairs.
  const auto result = kept({.factor = 0.5, .minimum = 1}, 2, {2, 1, 1, 2, 2, 1, 1, 2});
  CHECK(ranks(result) == std::vector<ChoiceOrder>{0, 1, 1, 0, 0, 1, 1, 0});
  CHECK(result.dropped == std::vector<Index>{2, 2});
  const auto third = kept({.factor = 0.75, .minimum = 1}, 2, {2, 1, 1, 2, 2, 1, 1, 2});
  CHECK(ranks(third) == std::vector<ChoiceOrder>{2, 1, 1, 2, 0, 1, 1, 0});
  CHECK(third.dropped == std::vector<Index>{1, 1});
}

TEST_CASE("with capacity for all pairs nothing is dropped", "[ops]") {
  const std::vector<ChoiceOrder> chosen = {1, 0, 1, 0, 1, 0};
  const auto result = kept({.factor = 2}, 2, chosen);
  CHECK(ranks(result) == chosen);
  CHECK(result.dropped == std::vector<Index>{0, 0});
  CHECK(kept({}, 2, {}).dropped == std::vector<Index>{0, 0});
}

namespace {

/// Six rows select expert 0, row 1 as its second choice; its capacity is 3. Rows 2 and 4 have the highest best scores.
const std::vector<float> wanted_logits = {1, 0, 1, 2, 3, 0, 0.5f, 0, 4, 0, 0.1f, 0};
const std::vector<ChoiceOrder> wanted = {1, 0, 2, 1, 1, 0, 1, 0, 1, 0, 1, 0};
std::vector<Index> rows_of_first(const Kept<B>& k) {
  std::vector<Index> rows;
  for (Index r = 0; r < k.kept_RE.rows(); ++r)
    if (k.kept_RE.view()(r, 0) != 0) rows.push_back(r);
  return rows;
}

}  // namespace

TEST_CASE("DropBy::priority keeps the rows with the highest score for their best expert", "[ops]") {
  const auto result = kept({.factor = 0.85, .minimum = 1, .drop = DropBy::priority}, 2, wanted_logits, wanted);
  CHECK(rows_of_first(result) == std::vector<Index>{0, 2, 4});
  CHECK(result.dropped == std::vector<Index>{3, 0});
  // A second choice is dropped before every first one, whatever its row's best score.
  std::vector<float> sure = wanted_logits;
  sure[3] = 9;
  CHECK(rows_of_first(kept({.factor = 0.85, .minimum = 1, .drop = DropBy::priority}, 2, sure, wanted)) ==
        std::vector<Index>{0, 2, 4});
}

TEST_CASE("DropBy::probability keeps the rows with the highest score for each expert", "[ops]") {
  const auto result = kept({.factor = 0.85, .minimum = 1, .drop = DropBy::probability}, 2, wanted_logits, wanted);
  CHECK(rows_of_first(result) == std::vector<Index>{0, 2, 4});
  CHECK(result.dropped == std::vector<Index>{3, 0});
  // A second choice counts as a first one does; choice orders stay unchanged.
  std::vector<float> liked = wanted_logits;
  liked[2] = 9, liked[3] = 5;
  const auto with_second = kept({.factor = 0.85, .minimum = 1, .drop = DropBy::probability}, 2, liked, wanted);
  CHECK(rows_of_first(with_second) == std::vector<Index>{1, 2, 4});
  CHECK(with_second.kept_RE.view()(1, 0) == 2);
}

TEST_CASE("DropBy::random keeps each row of a choice with the same probability, by the key alone", "[ops]") {
  const std::vector<float> logits(40, 0.0f);
  std::vector<ChoiceOrder> chosen(40, 0);
  for (std::size_t r = 0; r < 20; ++r) chosen[2 * r] = 1;
  std::vector<int> stayed(20, 0);
  for (std::uint32_t step = 0; step < 200; ++step) {
    const RandomKey key{.seed = 3, .step = step};
    const CapacityFactor capacity{.factor = 1, .minimum = 1, .drop = DropBy::random};
    const auto result = kept(capacity, 2, logits, chosen, key);
    CHECK(result.dropped == std::vector<Index>{10, 0});
    CHECK(ranks(result) == ranks(kept(capacity, 2, logits, chosen, key)));
    for (const Index r : rows_of_first(result)) ++stayed[static_cast<std::size_t>(r)];
  }
  // 100 expected of 200, with a deviation of 7.
  for (const int times : stayed) CHECK((times > 60 && times < 140));
}

}  // namespace drop_test
