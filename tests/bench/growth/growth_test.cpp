#include "bench/growth/growth.hpp"

#include <algorithm>
#include <filesystem>
#include <string>

#include "bench/command.hpp"
#include "bench/shell.hpp"
#include "multipl_moe/io/scratch.hpp"
#include "multipl_moe/report/gnuplot.hpp"
#include "support/catch.hpp"

namespace growth_test {

using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::Message;
using namespace moe_bench;
using moe_bench::testing::Outcome;
using moe_bench::testing::run_shell;
using multipl_moe::testing::get_bytes;
using multipl_moe::testing::put_bytes;
using multipl_moe::testing::ScratchFolder;

namespace {

const Shape base = *parse_shape("64x16x32x8x2");

}  // namespace

TEST_CASE("one size changes along each axis", "[bench][growth]") {
  const auto axes = growth_axes({base, {16, 32}, {4}, {1}});
  REQUIRE(axes.size() == 3);
  REQUIRE(axes[0].points.size() == 2);
  CHECK(axes[0].points[1].shape.name == "32x16x32x8x2");
  CHECK(axes[1].points[0].shape.name == "64x16x32x4x2");
  CHECK(axes[2].points[0].shape.name == "64x16x32x8x1");
  CHECK_THROWS_MATCHES(growth_axes({base, {}, {1}, {}}), UsageError,
                       Message("growth: sizes must be from 1 to 1048576, with at most as many experts per row as "
                               "experts, found 64 rows, 1 experts and 2 experts per row"));
  CHECK_THROWS_AS(growth_axes({base, {0}, {}, {}}), UsageError);
}

TEST_CASE("the page shows times, ratios and those of a peer", "[bench][growth]") {
  Growth growth{this_machine(2), {}, base, {}, growth_axes({base, {16, 32}, {4}, {}})};
  double ms = 1;
  for (GrowthAxis& axis : growth.axes)
    for (GrowthPoint& point : axis.points) {
      point.layer.median = 3 * ms;
      point.dense.median = 2 * ms;
      ms *= 2;
    }
  const std::string alone = growth_page(growth, "COMMAND", "growth");
  CHECK_THAT(alone, ContainsSubstring("```sh\nCOMMAND\n```") && ContainsSubstring("## Rows\n\n8 experts, top-2.") &&
                        ContainsSubstring("| 32 | 6.00 (0.00 - 0.00) | 4.00 (0.00 - 0.00) | 1.50 | 188 |\n") &&
                        ContainsSubstring("| 4 | 12.0 (0.00 - 0.00) | 8.00 (0.00 - 0.00) | 1.50 |\n") &&
                        !ContainsSubstring("## Experts per row"));

  add_peer(growth, "PyTorch", {{"32x16x32x8x2", 24.0}});
  const std::string both = growth_page(growth, "COMMAND", "growth");
  CHECK_THAT(both, ContainsSubstring("PyTorch, ms | TokenMoE / PyTorch |") &&
                       ContainsSubstring("| 1.50 | 188 | 24.0 | 0.25 |\n") && ContainsSubstring("| 1.50 | | |\n"));
  const std::string csv = growth_csv(growth);
  CHECK_THAT(csv, ContainsSubstring("rows,32,32,16,32,8,2,6,0,0,4,0,0,24\n"));
  CHECK(std::count(csv.begin(), csv.end(), '\n') == 4);
}

TEST_CASE("a peer's times are read by shape", "[bench][growth]") {
  const ScratchFolder scratch;
  const auto file = scratch / "peer.csv";
  put_bytes(file,
            "peer,shape,pass,ours_ms,peer_ms,ratio,first_quartile,third_quartile\n"
            "PyTorch,64x16x32x8x2,forward_backward,2,4,0.5,0.4,0.6\n"
            "PyTorch,64x16x32x8x2,forward,1,3,0.3,0.3,0.3\n");
  const auto [name, ms] = read_peer(file);
  CHECK(name == "PyTorch");
  CHECK(ms == std::map<std::string, double>{{"64x16x32x8x2", 4.0}});
  put_bytes(file, "PyTorch,64x16x32x8x2,forward,1,3,0.3,0.3,0.3\nPyTorch,a,forward_backward,1,none,1,1,1\n");
  for (const auto& without : {file, scratch / "missing.csv"})
    CHECK_THROWS_MATCHES(read_peer(without), UsageError,
                         Message("--peer: " + without.native() +
                                 " must be a file that bench/peers/cpu.py --csv wrote, with lines of the pass "
                                 "forward_backward; it has none"));
}

TEST_CASE("the command growth writes a page, a table and a picture", "[bench][growth]") {
  const ScratchFolder scratch;
  const std::string command = "'" MOE_BENCH_BINARY
                              "' growth --shape 64x16x32x8x2 --rows 16,32 --experts 4 --chosen 1,2 "
                              "--repetitions 1 --min-time 0.0001 --threads 2 --out '" +
                              scratch.path().native() + "' 2>&1";
  const Outcome outcome = run_shell(command);
  INFO(outcome.text);
  REQUIRE(outcome.exit_code == 0);
  CHECK_THAT(get_bytes(scratch / "growth.md"),
             ContainsSubstring("moe_bench growth --shape 64x16x32x8x2 --rows 16,32") && ContainsSubstring("| 32 | ") &&
                 ContainsSubstring("## Experts per row"));
  CHECK_THAT(get_bytes(scratch / "growth/growth.csv"), ContainsSubstring("\nexperts per row,2,64,16,32,8,2,"));
  for (const char* name : {"growth.gp", "growth.svg", "growth.png"})
    if (std::string(name) == "growth.gp" || multipl_moe::find_program("gnuplot"))
      CHECK(std::filesystem::file_size(scratch / "growth" / name) > 500);

  const Outcome refused =
      run_shell("'" MOE_BENCH_BINARY "' growth --chosen 64 --out '" + scratch.path().native() + "' 2>&1");
  CHECK(refused.exit_code == 2);
  CHECK_THAT(refused.text, ContainsSubstring("at most as many experts per row as experts"));
}

}  // namespace growth_test
