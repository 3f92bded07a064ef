#include "moe/core/routing_replay.hpp"

#include "support/catch.hpp"

namespace routing_replay_test {

using namespace moe;

namespace {

using Choices = std::vector<std::uint16_t>;

RoutingRecord some_record() {
  RoutingRecord record;
  record.levels.emplace_back(1, "segment", 3);
  record.levels[0].append(2, Choices{2, 0});
  record.levels[0].append(3, Choices{static_cast<std::uint16_t>(1 | RecordedChoice::dropped)});
  return record;
}

}  // namespace

TEST_CASE("a replay returns the choices of routed rows: their order, dropped choices and loads", "[core][replay]") {
  const RoutingRecord record = some_record();
  RoutingReplay replay;
  replay.add(record);
  replay.add(record, 1, 4);
  const std::vector<Index> begin{0, 2, 4, 5, 6, 8};
  const auto choices = replay.choices(1, {"segment", begin}, 5, 3);
  CHECK(choices.chosen == std::vector<ChoiceOrder>{2, 0, 1, 0, 1, 0, 0, 1, 0, 2, 0, 1, 0, 1, 0});
  CHECK(choices.kept == std::vector<ChoiceOrder>{2, 0, 1, 0, 0, 0, 0, 0, 0, 2, 0, 1, 0, 0, 0});
  CHECK(choices.load == std::vector<Index>{2, 0, 2});
  CHECK(choices.dropped == std::vector<Index>{0, 3, 0});
  CHECK(choices.has_dropped);
  CHECK(replay.choices(1, {"segment", {}}, 8, 3).load == std::vector<Index>{3, 0, 3});
  CHECK_THROWS_WITH(replay.choices(1, {"segment", {}}, 7, 3),
                    "[RoutingReplay] layer 1 routes 7 rows, the replayed record has 8");
  const std::vector<Index> astride{0, 3, 5, 6, 8};
  CHECK_THROWS_WITH(replay.choices(1, {"segment", astride}, 4, 3),
                    "[RoutingReplay] rows 0 to 2 are one segment in the segment level of layer 1 and must have the "
                    "same choices, in the record they do not");
  const std::vector<Index> across{0, 2, 6, 8};
  CHECK_THROWS_AS(replay.choices(1, {"segment", across}, 3, 3), Error);
}

TEST_CASE("a replay refuses incomplete records and row ranges outside a record", "[core][replay]") {
  RoutingRecord record = some_record();
  record.levels.emplace_back(2, "token", 3);
  CHECK_THROWS_AS(RoutingReplay{}.add(record), Error);
  record.levels.pop_back();
  for (const auto& [first, last] : {std::pair{-1, 2}, {3, 2}, {0, 6}})
    CHECK_THROWS_AS(RoutingReplay{}.add(record, first, last), Error);
}

}  // namespace routing_replay_test
