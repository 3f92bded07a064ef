#include "multipl_moe/report/run_record.hpp"

#include <cmath>

#include "../support/stderr_capture.hpp"
#include "multipl_moe/io/errors.hpp"
#include "support/catch.hpp"

namespace run_record_test {

using namespace multipl_moe;
using namespace multipl_moe::testing;
using Catch::Matchers::ContainsSubstring;

namespace {

constexpr const char* settings =
    "[train]\nbatch-size = 4\n\n# a remark\nsequence-length = 256\ngradient-accumulation-steps = 2\nmix = \"9:1\"\n";
const std::string first_step =
    R"({"step":1,"loss":2.5,"aux":0.25,"learning_rate":1e-3,"gradient_norm":3.0,"tokens_per_second":1000.0})"
    "\n";
const std::string second_step =
    R"({"step":2,"loss":null,"aux":0.5,"learning_rate":2e-3,"gradient_norm":null,"tokens_per_second":2000,"skipped":true})"
    "\n";

struct Folder {
  ScratchFolder scratch;
  Folder() {
    put_bytes(scratch / "run/config.toml", settings);
    put_bytes(scratch / "run/env.json",
              R"({"version":"1.2.3","threads":8,"data":{"go":{"path":"x","xxh3":"abc","tokens":5}}})");
    put_bytes(scratch / "run/metrics.jsonl", first_step + second_step);
  }
  RunRecord read() const { return read_run(scratch / "run"); }
  void refused(const char* file, const std::string& bytes, const std::string& because) {
    const std::string good = get_bytes(scratch / file);
    put_bytes(scratch / file, bytes);
    INFO(bytes);
    try {
      read();
      FAIL("was accepted");
    } catch (const BadFile& error) {
      CHECK(exit_code_of(error) == 3);
      CHECK_THAT(error.what(), ContainsSubstring(file) && ContainsSubstring(because));
    }
    put_bytes(scratch / file, good);
  }
};

}  // namespace

TEST_CASE("a run folder is read as it was written", "[report]") {
  const Folder folder;
  const RunRecord run = folder.read();
  CHECK(run.name == "run");
  CHECK(run.settings.front() == std::pair<std::string, std::string>("command", "train"));
  CHECK(run.settings.back() == std::pair<std::string, std::string>("mix", "9:1"));
  CHECK(run.tokens_per_step() == 4 * 256 * 2);
  CHECK(run.environment == NamedValues{{"version", "1.2.3"}, {"threads", "8"}, {"data.go", "abc"}});
  REQUIRE(run.steps.size() == 2);
  CHECK(run.steps[0].loss == 2.5);
  CHECK(run.steps[0].rate == 1e-3);
  CHECK_FALSE(run.steps[0].skipped);
  CHECK(std::isnan(run.steps[1].loss));
  CHECK(std::isnan(run.steps[1].gradient_norm));
  CHECK(run.steps[1].tokens_per_second == 2000);
  CHECK(run.steps[1].skipped);
}

TEST_CASE("invalid files of a run are refused with file and line", "[report]") {
  Folder folder;
  folder.refused("run/metrics.jsonl", "", "found none");
  folder.refused("run/metrics.jsonl", first_step + "{]\n", "line 2");
  folder.refused("run/metrics.jsonl", first_step + first_step, "line 2 must have an integer \"step\" above 1");
  folder.refused("run/metrics.jsonl", first_step + "[]\n" + second_step, "line 2");
  folder.refused("run/metrics.jsonl",
                 R"({"step":1,"loss":"2"})"
                 "\n",
                 "\"loss\"");
  folder.refused("run/metrics.jsonl",
                 R"({"step":1.5,"loss":2})"
                 "\n",
                 "line 1");
  folder.refused("run/config.toml", "batch-size = 4\n", "line 1");
  folder.refused("run/config.toml", "[train]\nbatch-size\n", "line 2");
  folder.refused("run/config.toml", "[train]\na = 1\n[eval]\n", "line 3");
  folder.refused("run/config.toml", "\n", "found none");
  folder.refused("run/env.json", "{", "JSON");
  folder.refused("run/env.json", "[]", "object");
  std::filesystem::remove(folder.scratch / "run/env.json");
  CHECK_THROWS_AS(folder.read(), BadFile);
}

TEST_CASE("an incomplete last line is skipped with a warning", "[report]") {
  const Folder folder;
  put_bytes(folder.scratch / "run/metrics.jsonl", first_step + "{\"step\":2,\"lo");
  const StderrCapture capture;
  CHECK(folder.read().steps.size() == 1);
  CHECK_THAT(capture.text(), ContainsSubstring("line 2") && ContainsSubstring("warning"));
}

TEST_CASE("without all settings of the batch size the tokens per step are unknown", "[report]") {
  RunRecord run{
      .name = {}, .settings = {{"batch-size", "4"}, {"sequence-length", "8"}}, .environment = {}, .steps = {}};
  CHECK_FALSE(run.tokens_per_step());
  run.settings.emplace_back("gradient-accumulation-steps", "two");
  CHECK_FALSE(run.tokens_per_step());
  run.settings.back().second = "2";
  CHECK(run.tokens_per_step() == 64);
}

TEST_CASE("runs are named by their folders, or by their paths if that is ambiguous", "[report]") {
  using Names = std::vector<std::string>;
  CHECK(run_names({"a/one", "b/two/"}) == Names{"one", "two"});
  CHECK(run_names({"a/one", "b/one", "two"}) == Names{"a/one", "b/one", "two"});
}

TEST_CASE("held-out losses and loads are read if a run has them", "[report]") {
  Folder folder;
  CHECK_FALSE(folder.read().has_held_out());
  CHECK_FALSE(folder.read().has_load());
  const auto with = [&](const std::string& more) {
    return first_step + second_step.substr(0, second_step.rfind('}')) + "," + more + "}\n";
  };
  put_bytes(folder.scratch / "run/metrics.jsonl",
            with(R"("held_out":{"python":1.5,"go":null},"load":{"token":{"max_over_mean":[1.5,null,2.5]}})"));
  const RunRecord run = folder.read();
  CHECK(run.has_held_out());
  CHECK(run.has_load());
  CHECK(run.steps[0].held_out.empty());
  REQUIRE(run.steps[1].held_out.size() == 2);
  CHECK((run.steps[1].held_out[0] == std::pair(Language::python, 1.5)));
  CHECK(std::isnan(run.steps[1].held_out[1].second));
  CHECK(run.steps[1].busiest_expert == 2.5);
  folder.refused("run/metrics.jsonl", with(R"("held_out":3)"), "\"held_out\"");
  folder.refused("run/metrics.jsonl", with(R"("held_out":{"go":"x"})"), "\"held_out\"");
  folder.refused("run/metrics.jsonl", with(R"("load":{"token":[1]})"), "\"load\"");
}

TEST_CASE("metrics longer than the read buffer are read completely", "[report]") {
  Folder folder;
  std::string text;
  for (int step = 1; step <= 25000; ++step)
    text += "{\"step\":" + std::to_string(step) + first_step.substr(first_step.find(",\"loss\""));
  REQUIRE(text.size() > (std::size_t{1} << 21));
  put_bytes(folder.scratch / "run/metrics.jsonl", text);
  const RunRecord run = folder.read();
  CHECK(run.steps.size() == 25000);
  CHECK(run.steps.back().step == 25000);
  folder.refused("run/metrics.jsonl", text + "{}\n", "line 25001");
}

}  // namespace run_record_test
