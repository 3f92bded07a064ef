#include "moe/core/group_offsets.hpp"

#include <vector>

#include "support/catch.hpp"

namespace group_offsets_test {

using namespace moe;

namespace {

constexpr Index unknown = GroupOffsets::unknown;
using Indices = std::vector<Index>;

}  // namespace

TEST_CASE("known loads determine offsets from both ends of the list", "[core]") {
  CHECK(ExpectedCounts{}.offsets(2) == Indices{0, unknown, unknown});
  CHECK(ExpectedCounts{12, {}}.offsets(3) == Indices{0, unknown, unknown, 12});
  CHECK(ExpectedCounts{20, {5, unknown, unknown, 3, 4}}.offsets(5) == Indices{0, 5, unknown, 13, 16, 20});
  CHECK(ExpectedCounts{20, {unknown, 5, unknown}}.offsets(3) == Indices{0, unknown, unknown, 20});
  CHECK(ExpectedCounts{6, {2, 2, 2}}.offsets(3) == Indices{0, 2, 4, 6});
  // Without the number of pairs no offset after the first is known.
  CHECK(ExpectedCounts{unknown, {2, 2, 2}}.offsets(3) == Indices{0, unknown, unknown, unknown});
}

TEST_CASE("the expected counts of two choices side by side are known where both are known", "[core]") {
  const ExpectedCounts token{8, {4, unknown}}, segment{6, {3, 3}};
  const ExpectedCounts both = ExpectedCounts::side_by_side(token, segment.times(2));
  CHECK(both.pairs == 20);
  CHECK(both.offsets(4) == Indices{0, 4, 8, 14, 20});
  CHECK(ExpectedCounts::side_by_side(token, {}).pairs == unknown);
  CHECK(ExpectedCounts::side_by_side({}, segment).pairs == unknown);
}

TEST_CASE("converting offsets to a list waits for the unknown ones", "[core]") {
  struct Counter {
    Indices entries{0, unknown, 7};
    int waits = 0;
  } counter;
  const GroupOffsets offsets(counter.entries, &counter, [](void* owner) {
    auto* self = static_cast<Counter*>(owner);
    self->entries[1] = 3;
    ++self->waits;
  });
  CHECK(offsets.groups() == 2);
  CHECK_FALSE(offsets.knows(0));
  CHECK_FALSE(offsets.knows(1));
  CHECK(counter.waits == 0);
  const ListView<Index> all = offsets;
  CHECK(counter.waits == 1);
  CHECK(Indices(all.begin(), all.end()) == Indices{0, 3, 7});
  CHECK(offsets.knows(0));
  CHECK(GroupOffsets{0, 2, 5}.knows(1));
}

}  // namespace group_offsets_test
