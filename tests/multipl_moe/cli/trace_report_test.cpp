/// The commands trace and report, from data to files.
#include <algorithm>

#include "program.hpp"
#include "support/catch.hpp"

namespace trace_report_test {

using namespace multipl_moe::testing;
using Catch::Matchers::ContainsSubstring;

namespace {

/// A folder with data and a tiny dense run, base.
struct Workplace {
  ScratchFolder scratch;
  Workplace() {
    put_tiny_config(scratch);
    REQUIRE(run(scratch, "prepare '" MOE_TEST_CORPUS "' -o data").exit_code == 0);
    REQUIRE(pretrain("base", "4").exit_code == 0);
  }
  Outcome pretrain(const std::string& name, const std::string& steps) const {
    return run(scratch,
               "pretrain --data data --config-json tiny.json --batch-size 2 --sequence-length 32 --threads 1 -q "
               "--steps " +
                   steps + " -o " + name);
  }
  bool has(const std::string& file) const { return std::filesystem::exists(scratch / file); }
};

std::size_t lines_of(const std::filesystem::path& file) {
  const std::string text = get_bytes(file);
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

}  // namespace

TEST_CASE("trace writes all its tables, and pictures if gnuplot is installed", "[cli][report]") {
  const Workplace place;
  REQUIRE(run(place.scratch, "upcycle --model base -o mixture --segment-window 8").exit_code == 0);
  const std::string words = "trace --model mixture --data data --sequence-length 64 --tokens 128 ";
  const Outcome bare = run(place.scratch, words + "-o bare", "PATH=/nowhere");
  REQUIRE(bare.exit_code == 0);
  CHECK_THAT(bare.error, ContainsSubstring("gnuplot"));
  // 6 languages, 2 layers, 6 experts at each level, 8 positions, 0 to 6 experts that share a segment.
  CHECK(lines_of(place.scratch / "bare/token_experts.csv") == 1 + 6 * 2 * 6);
  CHECK(lines_of(place.scratch / "bare/segment_experts.csv") == 1 + 6 * 2 * 6);
  CHECK(lines_of(place.scratch / "bare/segment_positions.csv") == 1 + 6 * 2 * 6 * 8);
  CHECK(lines_of(place.scratch / "bare/segment_sharing.csv") == 1 + 6 * 2 * 7);
  CHECK(lines_of(place.scratch / "bare/sequences.csv") == 1 + 6 * 2 * 2 * 2);
  CHECK(bare.out == get_bytes(place.scratch / "bare/summary.csv"));
  CHECK_FALSE(place.has("bare/token_experts.png"));

  const Outcome drawn = run(place.scratch, words + "-o drawn");
  REQUIRE(drawn.exit_code == 0);
  CHECK(drawn.out == bare.out);
  if (drawn.error.find("gnuplot is missing") != std::string::npos) {
    WARN("skipped: gnuplot is not installed");
    return;
  }
  CHECK(drawn.error.empty());
  for (const char* name : {"token_experts", "segment_experts", "segment_positions_go", "segment_sharing"}) {
    CHECK(get_bytes(place.scratch / ("drawn/" + std::string(name) + ".png")).starts_with("\x89PNG"));
    CHECK_THAT(get_bytes(place.scratch / ("drawn/" + std::string(name) + ".svg")), ContainsSubstring("</svg>"));
  }
}

TEST_CASE("trace rejects models without routers and reports which tables a model does not have", "[cli][report]") {
  const Workplace place;
  const Outcome dense = run(place.scratch, "trace --model base --data data -o t --sequence-length 64");
  CHECK(dense.exit_code == 2);
  CHECK_THAT(dense.error, ContainsSubstring("routers"));
  CHECK_FALSE(place.has("t"));
  REQUIRE(run(place.scratch, "upcycle --model base -o gshard --arch gshard").exit_code == 0);
  const Outcome tokens = run(place.scratch, "trace --model gshard --data data -o t --sequence-length 64", "PATH=");
  CHECK(tokens.exit_code == 0);
  CHECK_THAT(tokens.error, ContainsSubstring("no tables of segments"));
  CHECK(place.has("t/token_experts.csv"));
  CHECK_FALSE(place.has("t/segment_experts.csv"));
}

TEST_CASE("report compares runs and rejects folders that are not a run", "[cli][report]") {
  const Workplace place;
  REQUIRE(place.pretrain("longer", "6").exit_code == 0);
  const Outcome outcome = run(place.scratch, "report --run base --run longer -o both", "PATH=/nowhere");
  REQUIRE(outcome.exit_code == 0);
  CHECK(outcome.out == get_bytes(place.scratch / "both/report.md"));
  CHECK_THAT(outcome.out, ContainsSubstring("| steps | 4 | 6 |") && !ContainsSubstring("| seed |"));
  CHECK(lines_of(place.scratch / "both/metrics.csv") == 1 + 4 + 6);
  CHECK_THAT(outcome.error, ContainsSubstring("gnuplot"));
  CHECK(place.has("both/loss.gp"));

  const Outcome nothing = run(place.scratch, "report --run nowhere -o none");
  CHECK(nothing.exit_code == 3);
  CHECK_THAT(nothing.error, ContainsSubstring("nowhere/config.toml"));
  put_bytes(place.scratch / "base/metrics.jsonl", "{\"step\": 1}\n");
  const Outcome broken = run(place.scratch, "report --run longer --run base -o none");
  CHECK(broken.exit_code == 3);
  CHECK_THAT(broken.error, ContainsSubstring("base/metrics.jsonl") && ContainsSubstring("line 1"));
  CHECK_FALSE(place.has("none"));
}

TEST_CASE("held-out losses of a training run are in its metrics, its progress and its report", "[cli][report]") {
  const Workplace place;
  const std::string words =
      "pretrain --data data --config-json tiny.json --batch-size 2 --threads 1 --steps 4 --eval-steps 2 ";
  const Outcome evaluated =
      run(place.scratch, words + "--sequence-length 32 --eval-sequences 3 --log-every 2 -o evaluated");
  REQUIRE(evaluated.exit_code == 0);
  CHECK_THAT(evaluated.error, ContainsSubstring("held-out "));
  const std::string metrics = get_bytes(place.scratch / "evaluated/metrics.jsonl");
  CHECK_THAT(metrics, ContainsSubstring("\"held_out\":{\"python\":") && !ContainsSubstring("\"load\""));
  REQUIRE(run(place.scratch, "report --run evaluated --run base -o both", "PATH=/nowhere").exit_code == 0);
  CHECK(lines_of(place.scratch / "both/held_out.csv") == 1 + 2 * 6);
  CHECK(place.has("both/held_out.gp"));
  REQUIRE(run(place.scratch, "report --run base -o one", "PATH=/nowhere").exit_code == 0);
  CHECK_FALSE(place.has("one/held_out.csv"));

  // The training text of a language is longer than its held-out text.
  const Outcome too_long = run(place.scratch, words + "--sequence-length 4000 -o none");
  CHECK(too_long.exit_code == 2);
  CHECK_THAT(too_long.error, ContainsSubstring("--eval-steps") && ContainsSubstring("--eval-split"));
  CHECK_FALSE(place.has("none/metrics.jsonl"));
}

}  // namespace trace_report_test
