/// Observations compared with the layers' own stats.
#include <numeric>
#include <vector>

#include "support/catch.hpp"
#include "support/compositions.hpp"

namespace observation_test {

using namespace moe;
using namespace moe::testing;

namespace {

std::vector<Index> load_of(const Observation& seen) {
  std::vector<Index> load(static_cast<std::size_t>(seen.experts));
  for (Index r = 0; r < seen.rows; ++r)
    for (Index e = 0; e < seen.experts; ++e) {
      const Index rows = seen.begin[static_cast<std::size_t>(r + 1)] - seen.begin[static_cast<std::size_t>(r)];
      if (seen.kept[static_cast<std::size_t>(r * seen.experts + e)] != 0) load[static_cast<std::size_t>(e)] += rows;
    }
  return load;
}

}  // namespace

TEST_CASE("an observer is called with both levels' decisions, in training and inference, and changes no result",
          "[layers]") {
  auto layer = build<CausalMultiPlMoe<double, Cpu<>>>({.width = 5, .experts = 4, .k = 2, .window = 3});
  Draw draw("observed");
  randomize(draw, layer);
  const Batch batch = Batch::ragged({8, 4});
  const auto x_TD = random_matrix<double, Cpu<>>(draw, 12, 5);
  std::vector<Observation> seen;
  CpuContext context{.threads = 2};
  const auto quiet = layer.forward(context, x_TD, batch);
  const auto quiet_answer = layer.infer(context, x_TD, batch);
  context.layer = 7;
  context.observer = [&](const Observation& o) { seen.push_back(o); };
  const auto run = layer.forward(context, x_TD, batch);
  CHECK(same_bits(run.output, quiet.output));
  REQUIRE(seen.size() == 2);
  CHECK(seen[0].level == "token");
  CHECK(seen[0].layer == 7);
  CHECK(seen[0].rows == 12);
  CHECK(seen[0].experts == 4);
  CHECK(load_of(seen[0]) == run.stats.token.load);
  CHECK(seen[1].level == "segment");
  CHECK(seen[1].begin == std::vector<Index>{0, 3, 6, 8, 11, 12});
  CHECK(load_of(seen[1]) == run.stats.segment.load);
  for (Index t = 0; t < 12; ++t) {
    const auto gates = seen[0].gates.begin() + 4 * t;
    CHECK(std::accumulate(gates, gates + 4, 0.0) == Catch::Approx(1));
  }
  // A token's experts are those with the highest logits, and experts that it did not select have logits too.
  REQUIRE(seen[0].logits.size() == 12 * 4);
  for (std::size_t t = 0; t < 12; ++t) {
    const auto logits = seen[0].logits.begin() + static_cast<std::ptrdiff_t>(4 * t);
    const auto order = seen[0].chosen.begin() + static_cast<std::ptrdiff_t>(4 * t);
    for (std::ptrdiff_t e = 1; e < 4; ++e)
      for (std::ptrdiff_t other = 1; other < 4; ++other)
        if (order[e] != 0 && order[other] == 0) CHECK(logits[e] >= logits[other]);
  }
  CHECK(seen[1].logits.size() == 5 * 4);
  CHECK(same_bits(layer.infer(context, x_TD, batch), quiet_answer));
  REQUIRE(seen.size() == 4);
  CHECK(seen[2].gates == seen[0].gates);
  auto state = layer.begin_decoding(context, 2);
  layer.decode(context, x_TD.view().rows_between(0, 2), {}, state);
  REQUIRE(seen.size() == 6);
  CHECK(seen[4].logits.size() == 2 * 4);
  CHECK(seen[5].level == "segment");
  CHECK(seen[5].logits.empty());
  CHECK(seen[5].begin == std::vector<Index>{0, 1, 2});
}

TEST_CASE("an observer is called with the selected and the kept pairs", "[layers]") {
  auto layer = build<Dropping<double>>({.width = 5, .experts = 3, .k = 2, .minimum = 1, .capacity_factor = 0.5});
  Draw draw("observed drops");
  randomize(draw, layer);
  const auto x_TD = random_matrix<double, Cpu<>>(draw, 30, 5);
  std::vector<Observation> seen;
  const CpuContext context{.threads = 1, .observer = [&](const Observation& o) { seen.push_back(o); }};
  const auto stats = layer.forward(context, x_TD, Batch::single(30)).stats;
  REQUIRE(seen.size() == 1);
  Index chosen = 0, kept = 0;
  for (std::size_t i = 0; i < seen[0].chosen.size(); ++i) {
    chosen += seen[0].chosen[i] != 0;
    kept += seen[0].kept[i] != 0;
    CHECK((seen[0].gates[i] > 0) == (seen[0].kept[i] != 0));
  }
  CHECK(chosen == 60);
  CHECK(chosen - kept == std::accumulate(stats.dropped.begin(), stats.dropped.end(), Index{0}));
  CHECK(load_of(seen[0]) == stats.load);
}

}  // namespace observation_test
