#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "bench/shell.hpp"
#include "bench/strategies/result.hpp"
#include "support/catch.hpp"

namespace program_test {

using Catch::Matchers::ContainsSubstring;
using moe_bench::testing::Outcome;
using moe_bench::testing::run_shell;

namespace {

/// Runs the program with arguments in shell syntax.
Outcome run(const std::string& words) { return run_shell("'" MOE_BENCH_BINARY "' " + words); }
Outcome out_of(const std::string& words) { return run(words + " 2>/dev/null"); }
Outcome errors_of(const std::string& words) { return run(words + " 2>&1 >/dev/null"); }

std::vector<std::string> split(const std::string& text, char at) {
  std::vector<std::string> pieces;
  std::istringstream in(text);
  for (std::string piece; std::getline(in, piece, at);) pieces.push_back(piece);
  if (!text.empty() && text.back() == at && at != '\n') pieces.emplace_back();
  return pieces;
}

const std::string smoke = "layers --shape small --repetitions 2 --min-time 0.0001 --threads 2 ";

}  // namespace

TEST_CASE("the list names every layer, pass and operation", "[bench]") {
  const Outcome list = out_of("layers --list --shape small");
  REQUIRE(list.exit_code == 0);
  const std::vector<std::string> names = split(list.text, '\n');
  const std::set<std::string> known(names.begin(), names.end());
  CHECK(known.size() == names.size());
  for (const char* subject : {"token_moe", "segment_moe", "hybrid_moe", "dense_ffn_x2"})
    for (const char* pass : {"forward", "forward_backward", "infer", "decode_1", "decode_8", "infer_packed",
                             "decode_1_packed", "decode_8_packed_bf16"})
      CHECK(known.count("layer/" + std::string(subject) + "/small/" + pass) == 1);
  for (const char* op : {"op/gather_rows/small/forward", "op/grouped_swiglu/small/backward"})
    CHECK(known.count(op) == 1);
  CHECK(split(out_of("layers --list --shape small --shape small").text, '\n').size() == names.size());
  const Outcome some =
      out_of("layers --list --shape small --filter 'op/grouped_swiglu/*' --filter '*token_moe/*decode_1'");
  CHECK(some.text ==
        "layer/token_moe/small/decode_1\nop/grouped_swiglu/small/forward\n"
        "op/grouped_swiglu/small/infer\nop/grouped_swiglu/small/backward\n");
}

TEST_CASE("every line of jsonl is a JSON value, and the parts and the rest add up to the whole", "[bench]") {
  const Outcome outcome = out_of(smoke + "--format jsonl");
  REQUIRE(outcome.exit_code == 0);
  const std::vector<std::string> lines = split(outcome.text, '\n');
  REQUIRE(lines.size() == 1 + split(out_of("layers --list --shape small").text, '\n').size());
  const auto machine = nlohmann::json::parse(lines.front());
  CHECK(machine["type"] == "machine");
  CHECK(machine["threads"] == 2);

  std::map<std::string, std::set<std::string>> parts_of;
  for (std::size_t i = 1; i < lines.size(); ++i) {
    const auto result = nlohmann::json::parse(lines[i]);
    INFO(lines[i]);
    CHECK(result["type"] == "result");
    CHECK(result["repetitions"] == 2);
    CHECK(result["min_ms"] > 0);
    CHECK(result["min_ms"] <= result["median_ms"]);
    CHECK(result["q1_ms"] <= result["q3_ms"]);
    if (result["kind"] == "layer") CHECK(result["gflop_per_s"] > 0);  // decoding too: some experts ran
    const bool is_moe = result["kind"] == "layer" && result["subject"] != "dense_ffn_x1" &&
                        result["subject"] != "dense_ffn_x2" && result["subject"] != "dense_ffn_x3";
    if (is_moe) CHECK(result["of_dense"] > 0);
    if (!result.contains("parts")) continue;
    double sum = result["rest_ms"].get<double>();
    for (const auto& [name, part] : result["parts"].items()) {
      parts_of[result["name"]].insert(name);
      CHECK(part["min_ms"] >= 0);
      CHECK(part["share"] >= 0);
      sum += part["median_ms"].get<double>();
    }
    CHECK(sum == Catch::Approx(result["median_ms"].get<double>()));
    CHECK(result["rest_share"].get<double>() ==
          Catch::Approx(result["rest_ms"].get<double>() / result["median_ms"].get<double>()));
  }
  using Names = std::set<std::string>;
  CHECK(parts_of["layer/token_moe/small/forward"] == Names{"router", "dispatch", "experts", "combine"});
  CHECK(parts_of["layer/token_moe/small/decode_1"] == Names{"router", "dispatch", "experts", "combine"});
  CHECK(parts_of["layer/segment_moe/small/forward_backward"] == Names{"router", "dispatch", "experts", "combine",
                                                                      "combine_backward", "experts_backward",
                                                                      "dispatch_backward", "router_backward"});
  CHECK(parts_of["layer/hybrid_moe/small/infer"] == Names{"router", "dispatch", "experts", "combine", "fusion"});
}

TEST_CASE("every line of csv has the columns of the first", "[bench]") {
  const Outcome outcome = out_of(smoke + "--filter 'layer/token_moe/*' --filter 'op/grouped_swiglu/*' --format csv");
  REQUIRE(outcome.exit_code == 0);
  const std::vector<std::string> lines = split(outcome.text, '\n');
  const std::vector<std::string> columns = split(lines.front(), ',');
  const auto column = [&](const char* name) {
    return static_cast<std::size_t>(std::find(columns.begin(), columns.end(), name) - columns.begin());
  };
  REQUIRE(column("median_ms") < columns.size());
  std::multiset<std::string> parts;
  for (std::size_t i = 1; i < lines.size(); ++i) {
    const std::vector<std::string> cells = split(lines[i], ',');
    INFO(lines[i]);
    REQUIRE(cells.size() == columns.size());
    CHECK(cells[column("rows")] == "64");
    parts.insert(cells[column("part")]);
    if (cells[column("part")] != "rest") CHECK(std::stod(cells[column("median_ms")]) > 0);
    // The dense layer that this column compares with was not measured.
    CHECK(cells[column("of_dense")].empty());
  }
  CHECK(parts.count("whole") == 21);
  CHECK(parts.count("router") == 18);
  CHECK(parts.count("experts_backward") == 1);
  CHECK(parts.count("rest") == 18);
}

TEST_CASE("the table names the shape, the machine's threads and every part", "[bench]") {
  const Outcome outcome = out_of(smoke + "--filter 'layer/*/small/forward'");
  REQUIRE(outcome.exit_code == 0);
  CHECK_THAT(outcome.text, ContainsSubstring("small: T 64, D 32, F 48, 4 experts, top-2") &&
                               ContainsSubstring("2 threads") && ContainsSubstring("token_moe forward") &&
                               ContainsSubstring("  dispatch") && ContainsSubstring("  rest") &&
                               ContainsSubstring("dense_ffn_x2 forward") && ContainsSubstring(" %"));
  CHECK_THAT(outcome.text, !ContainsSubstring("backward") && !ContainsSubstring("\033"));
}

TEST_CASE("a shape may be written as its sizes, however small", "[bench]") {
  const Outcome outcome =
      out_of("layers --shape 3x4x5x1x1 --repetitions 1 --min-time 0.0001 --format jsonl --filter 'layer/*'");
  CHECK(outcome.exit_code == 0);
  CHECK_THAT(outcome.text, ContainsSubstring("layer/hybrid_moe/3x4x5x1x1/decode_8"));
}

TEST_CASE("the list describes every strategy", "[bench][strategies]") {
  const Outcome list = out_of("list");
  REQUIRE(list.exit_code == 0);
  std::map<std::string, std::string> lines;
  for (const std::string& line : split(list.text, '\n')) lines[line.substr(0, line.find(' '))] = line;
  CHECK(lines.size() >= 25);
  CHECK_THAT(lines["mixtral"], ContainsSubstring("causal") && ContainsSubstring("batch invariant"));
  CHECK_THAT(lines["expert-choice"], ContainsSubstring("non-causal") && ContainsSubstring("reads batch neighbors"));
  CHECK_THAT(lines["random"], ContainsSubstring(" causal") && ContainsSubstring("reads batch neighbors"));
  CHECK_THAT(lines["causal-multipl-moe"], ContainsSubstring(" causal") && ContainsSubstring("batch invariant"));
}

TEST_CASE("all strategies run on the small shape", "[bench][strategies]") {
  const std::string flags = "run --shape small --strategies all --repetitions 1 --min-time 0.00001 --threads 2 ";
  const std::size_t strategies = split(out_of("list").text, '\n').size();
  const Outcome csv = out_of(flags + "--input zipf --format csv");
  REQUIRE(csv.exit_code == 0);
  const std::vector<std::string> lines = split(csv.text, '\n');
  REQUIRE(lines.size() == strategies + 1);
  const std::size_t columns = split(lines.front(), ',').size();
  for (const std::string& line : lines) CHECK(split(line, ',').size() == columns);

  const Outcome jsonl = out_of(flags + "--format jsonl");
  REQUIRE(jsonl.exit_code == 0);
  const std::vector<std::string> values = split(jsonl.text, '\n');
  REQUIRE(values.size() == strategies + 1);
  CHECK(nlohmann::json::parse(values[0])["type"] == "machine");
  for (std::size_t i = 1; i < values.size(); ++i) {
    const auto r = nlohmann::json::parse(values[i]);
    INFO(values[i]);
    CHECK(r["type"] == "strategy");
    CHECK(r["forward_median_ms"] > 0);
    CHECK(r["forward_experts_median_ms"] > 0);
    CHECK(r["backward_experts_median_ms"] > 0);
    CHECK(r["rows_per_s"] > 0);
    CHECK(r["of_dense"] > 0);
    CHECK(r["pool_bytes"] > 0);
    CHECK(r["parameters"] > 0);
    CHECK(r.contains("flips") == (r["strategy"] != "dense"));
  }
}

TEST_CASE("strategies are compared in text tables and in Markdown tables", "[bench][strategies]") {
  const std::string flags =
      "run --shape small --strategies mixtral,expert-choice --repetitions 1 --min-time 0.00001 --threads 1 ";
  const Outcome table = out_of(flags + "--input languages");
  REQUIRE(table.exit_code == 0);
  CHECK_THAT(table.text, ContainsSubstring("small: T 64 in 4 sequences") && ContainsSubstring("input languages") &&
                             ContainsSubstring("\ndense ") && ContainsSubstring("\nexpert-choice ") &&
                             !ContainsSubstring("switch"));
  const Outcome md = out_of(flags + "--format md");
  CHECK_THAT(md.text, ContainsSubstring("| strategy ") && ContainsSubstring("|---|---:|") &&
                          ContainsSubstring("\n| expert-choice "));
}

TEST_CASE("the error on an unknown strategy lists the known ones", "[bench][strategies]") {
  const Outcome errors = errors_of("run --shape small --strategies mixtral,swich");
  CHECK(errors.exit_code == 2);
  CHECK_THAT(errors.text, ContainsSubstring("there is no strategy swich") && ContainsSubstring("switch") &&
                              ContainsSubstring("causal-multipl-moe"));
}

TEST_CASE("a program that was built without CUDA rejects the backend cuda", "[bench][strategies]") {
  if (moe_bench::built_with_cuda()) return;
  const Outcome errors = errors_of("run --shape small --backend cuda");
  CHECK(errors.exit_code == 2);
  CHECK_THAT(errors.text, ContainsSubstring("built without CUDA"));
}

TEST_CASE("wrong flags exit with 2 and print an error on stderr only", "[bench]") {
  for (const char* words :
       {"--wrong", "word", "", "layers --wrong", "layers --shape huge", "layers --shape 1x2x3x4x5",
        "layers --format xml", "layers --repetitions 0", "layers --threads 0", "layers --filter nothing", "layers word",
        "list word", "run --shape huge", "run --input odd", "run --format xml", "run --backend abacus",
        "run --repetitions 0", "run --strategies nobody", "run --strategies mixtral,nobody"}) {
    INFO(words);
    const Outcome errors = errors_of(words);
    CHECK(errors.exit_code == 2);
    CHECK_THAT(errors.text, ContainsSubstring("error: "));
    CHECK(out_of(words).text.empty());
  }
}

TEST_CASE("help states flags and defaults", "[bench]") {
  const Outcome help = out_of("--help");
  CHECK(help.exit_code == 0);
  for (const char* command : {"layers", "list", "run"}) CHECK_THAT(help.text, ContainsSubstring(command));
  for (const char* flag : {"--shape", "--filter", "--list", "--format", "--repetitions", "--threads", "=5", "1024x512"})
    CHECK_THAT(out_of("layers --help").text, ContainsSubstring(flag));
  for (const char* flag : {"--strategies", "--shape", "--input", "--backend", "--format", "--repetitions", "=[all]"})
    CHECK_THAT(out_of("run --help").text, ContainsSubstring(flag));
}

TEST_CASE("output that cannot be written exits with 5", "[bench]") {
  CHECK(run("layers --list > /dev/full").exit_code == 5);
}

}  // namespace program_test
