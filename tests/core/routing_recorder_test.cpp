#include "moe/core/routing_recorder.hpp"

#include "support/catch.hpp"

namespace routing_recorder_test {

using namespace moe;

namespace {

using Choices = std::vector<std::uint16_t>;

/// An observation with one choice per routed row, of three experts.
Observation seen(const std::vector<Index>& begin, const std::vector<Index>& experts) {
  Observation o{2, "segment", static_cast<Index>(experts.size()), 3, {}, {}, {}, begin};
  o.chosen.assign(experts.size() * 3, 0);
  for (std::size_t r = 0; r < experts.size(); ++r) o.chosen[r * 3 + static_cast<std::size_t>(experts[r])] = 1;
  o.kept = o.chosen;
  return o;
}
std::vector<std::uint16_t> firsts(const RoutingRecord& record) {
  std::vector<std::uint16_t> all;
  for (Index t = 0; t < record.rows(); ++t) all.push_back(record.levels.at(0).of_row(t).front());
  return all;
}

}  // namespace

TEST_CASE("a recorder appends the rows of each pass to their sequences", "[core][replay]") {
  RoutingRecorder recorder(2);
  const auto observe = recorder.observer();
  recorder.expect(Batch::ragged({3, 2}));
  observe(seen({0, 2, 3, 5}, {1, 0, 2}));
  recorder.expect_next();
  observe(seen({0, 1, 2}, {0, 1}));
  CHECK(firsts(recorder.records()[0]) == Choices{1, 1, 0, 0});
  CHECK(firsts(recorder.records()[1]) == Choices{2, 2, 1});
}

TEST_CASE("sequences may join and leave between passes", "[core][replay]") {
  RoutingRecorder recorder(3);
  recorder.expect(Batch::ragged({2, 1}), {2, 0});
  recorder.record(seen({0, 2, 3}, {1, 2}));
  recorder.expect(Batch::sequences(2, 1), {0, 1});
  recorder.record(seen({0, 1, 2}, {0, 1}));
  recorder.expect(Batch::single(1), {2});
  recorder.record(seen({0, 1}, {2}));
  CHECK(firsts(recorder.records()[0]) == Choices{2, 0});
  CHECK(firsts(recorder.records()[1]) == Choices{1});
  CHECK(firsts(recorder.records()[2]) == Choices{1, 1, 2});
  CHECK_THROWS_AS(recorder.expect(Batch::single(1), {3}), Error);
  CHECK_THROWS_AS(recorder.expect(Batch::single(1), {-1}), Error);
  CHECK_THROWS_AS(recorder.expect(Batch::single(1), {0, 1}), Error);
  CHECK_THROWS_AS(recorder.expect(Batch::sequences(2, 1), {1, 1}), Error);
}

TEST_CASE("a pass that runs again replaces its record", "[core][replay]") {
  RoutingRecorder recorder(1);
  recorder.expect(Batch::single(2));
  recorder.record(seen({0, 2}, {1}));
  recorder.record(seen({0, 1, 2}, {0, 2}));
  CHECK(firsts(recorder.records()[0]) == Choices{0, 2});
}

TEST_CASE("choices are recorded in choice order, and dropped ones are marked", "[core][replay]") {
  RoutingRecorder recorder(1);
  recorder.expect(Batch::single(1));
  // Where experts select rows, the choice orders of one row may repeat or skip numbers.
  recorder.record({0, "token", 1, 4, {7, 0, 2, 2}, {7, 0, 0, 2}, {}, {0, 1}});
  const auto row = recorder.records()[0].levels[0].of_row(0);
  CHECK(Choices(row.begin(), row.end()) == Choices{2 | RecordedChoice::dropped, 3, 0});
}

TEST_CASE("a recorder refuses rows that were not announced", "[core][replay]") {
  RoutingRecorder recorder(2);
  CHECK_THROWS_WITH(recorder.record(seen({0, 2}, {1})),
                    "[RoutingRecorder] expect announced 0 rows, a layer routed 2: call expect before each pass");
  CHECK_THROWS_WITH(recorder.expect(Batch::single(2)), "[RoutingRecorder] the batch has 1 sequence, the recorder 2");
  recorder.expect_next();
  recorder.expect_next();
  CHECK_THROWS_WITH(recorder.record(seen({0, 1, 2}, {1, 1})),
                    "[RoutingRecorder] the segment level of layer 2 was recorded for 0 of 1 row of sequence 0");
  CHECK_THROWS_AS(RoutingRecorder(-1), Error);
}

}  // namespace routing_recorder_test
