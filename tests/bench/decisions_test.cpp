#include "bench/strategies/decisions.hpp"

#include <cmath>

#include "support/catch.hpp"

namespace decisions_test {

using namespace moe_bench;
using Catch::Approx;

namespace {

/// Three rows and two experts: row 0 selects both, row 1 expert 0, which drops it, and row 2 expert 0.
moe::Observation by_token() {
  return {.level = "token",
          .rows = 3,
          .experts = 2,
          .chosen = {1, 2, 1, 0, 1, 0},
          .kept = {1, 2, 0, 0, 1, 0},
          .gates = {0.5, 0.5, 0, 0, 0.25, 0},
          .begin = {0, 1, 2, 3}};
}
/// The same rows as two segments, the second of which is routed to the only expert.
moe::Observation by_segment() {
  return {.level = "segment",
          .rows = 2,
          .experts = 1,
          .chosen = {0, 1},
          .kept = {0, 1},
          .gates = {0, 0.75},
          .begin = {0, 1, 3}};
}

}  // namespace

TEST_CASE("the decisions of one level are counted by row and expert", "[bench]") {
  const Decisions d = decisions_of({by_token()});
  CHECK(loads_of(d) == std::vector<Index>{2, 1});
  CHECK(dropped_share(d) == Approx(1.0 / 4));
  CHECK(unserved_share(d) == Approx(1.0 / 3));
  CHECK(experts_per_row(d) == Approx(1.0));
  // Row 0 has two equal gates, row 2 a single gate, row 1 none.
  CHECK(gate_entropy(d) == Approx(std::log(2.0) / 2));
}

TEST_CASE("the experts of several levels are concatenated, those of a segment on each of its rows", "[bench]") {
  const Decisions d = decisions_of({by_token(), by_segment()});
  REQUIRE(d.rows == 3);
  REQUIRE(d.experts == 3);
  CHECK(loads_of(d) == std::vector<Index>{2, 1, 2});
  CHECK(unserved_share(d) == 0);
  CHECK(experts_per_row(d) == Approx(5.0 / 3));
  CHECK(d.gates_TE[d.at(1, 2)] == 0.75);
}

TEST_CASE("a layer without routing has no decisions", "[bench]") {
  const Decisions d = decisions_of({});
  CHECK(d.experts == 0);
  CHECK(loads_of(d).empty());
  CHECK(dropped_share(d) == 0);
  CHECK(change_between(d, 0, d, 0, 0).share() == 0);
}

TEST_CASE("the balance of even loads, of uneven loads and of all load on one expert", "[bench]") {
  const Balance even = balance_of({5, 5, 5, 5});
  CHECK(even.most_over_mean == 1);
  CHECK(even.variation == 0);
  CHECK(even.entropy == Approx(std::log(4.0)));
  const Balance uneven = balance_of({6, 2});
  CHECK(uneven.most_over_mean == Approx(1.5));
  CHECK(uneven.variation == Approx(0.5));
  CHECK(uneven.entropy == Approx(-0.75 * std::log(0.75) - 0.25 * std::log(0.25)));
  const Balance one = balance_of({0, 9, 0});
  CHECK(one.most_over_mean == Approx(3));
  CHECK(one.entropy == 0);
  CHECK(balance_of({0, 0}).most_over_mean == 0);
}

TEST_CASE("a change is the share of pairs that only one of two runs has, among the pairs of both", "[bench]") {
  const Decisions a = decisions_of({by_token()});
  CHECK(change_between(a, 0, a, 0, 3).share() == 0);
  moe::Observation other = by_token();
  other.kept = {1, 0, 0, 0, 0, 1};  // one pair less on row 0, another expert on row 2
  const Change change = change_between(a, 0, decisions_of({other}), 0, 3);
  CHECK(change.pairs == 4);
  CHECK(change.changed == 3);
  // Row 2 of one and row 0 of the other have expert 0 in common.
  CHECK(change_between(a, 2, a, 0, 1).share() == Approx(0.5));
}

}  // namespace decisions_test
