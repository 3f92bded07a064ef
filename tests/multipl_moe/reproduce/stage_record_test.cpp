#include "multipl_moe/reproduce/stage_record.hpp"

#include <algorithm>
#include <filesystem>

#include "../io/scratch.hpp"
#include "multipl_moe/io/errors.hpp"
#include "support/catch.hpp"

namespace stage_record_test {

using namespace multipl_moe;
using namespace multipl_moe::reproduce;
using namespace multipl_moe::testing;
using State = StageRecords::State;

namespace {

Stage stage_of(const std::string& id, std::vector<std::string> needs) {
  return {.id = id, .words = {"train", "--seed", "0"}, .needs = std::move(needs), .output = id};
}

/// A folder with a finished stage.
struct Finished {
  Finished() {
    records.begin(stage, done);
    put_bytes(scratch / "a/one", "1");
    put_bytes(scratch / "a/inner/two", "2");
    records.finish(stage, done);
  }
  State state_now(const Stage& s) {
    OutputHashes again{{"data", 7}};
    return records.state_of(s, again);
  }

  ScratchFolder scratch;
  StageRecords records{scratch.path()};
  OutputHashes done{{"data", 7}};
  Stage stage = stage_of("a", {"data"});
};

}  // namespace

TEST_CASE("a finished stage is done, and its output's hash is known", "[reproduce][stages]") {
  Finished f;
  OutputHashes again{{"data", 7}};
  CHECK(f.records.state_of(f.stage, again) == State::done);
  CHECK(again.at("a") == f.done.at("a"));
  CHECK(again.at("a") == *hash_of_output(f.scratch / "a"));
}

TEST_CASE("another command, another input or another output makes a stage undone", "[reproduce][stages]") {
  Finished f;
  Stage other = f.stage;
  other.words.back() = "1";
  CHECK(f.state_now(other) == State::missing);
  OutputHashes other_input{{"data", 8}};
  CHECK(f.records.state_of(f.stage, other_input) == State::missing);
  CHECK_FALSE(other_input.contains("a"));

  put_bytes(f.scratch / "a/inner/two", "3");
  CHECK(f.state_now(f.stage) == State::missing);
  put_bytes(f.scratch / "a/inner/two", "2");
  CHECK(f.state_now(f.stage) == State::done);
  put_bytes(f.scratch / "a/more", "");
  CHECK(f.state_now(f.stage) == State::missing);
  std::filesystem::remove(f.scratch / "a/more");
  std::filesystem::rename(f.scratch / "a/one", f.scratch / "a/1");
  CHECK(f.state_now(f.stage) == State::missing);
  std::filesystem::remove_all(f.scratch / "a");
  CHECK(f.state_now(f.stage) == State::missing);
}

TEST_CASE("a stage that did not end is begun, if nothing else has changed", "[reproduce][stages]") {
  Finished f;
  f.records.begin(f.stage, f.done);
  CHECK(f.state_now(f.stage) == State::begun);
  Stage other = f.stage;
  other.words.back() = "1";
  CHECK(f.state_now(other) == State::missing);
}

TEST_CASE("finished stages are those that are done, with all that they need", "[reproduce][stages]") {
  Finished f;
  Plan plan;
  plan.stages = {stage_of("data", {}), stage_of("a", {"data"}), stage_of("b", {"a"}), stage_of("c", {"data"})};
  // The record of a names an input that is not there.
  CHECK(finished_stages(plan, f.scratch.path()).empty());
  OutputHashes done;
  for (const std::string id : {"data", "a", "b"}) {
    const Stage& stage =
        *std::find_if(plan.stages.begin(), plan.stages.end(), [&](const Stage& s) { return s.id == id; });
    f.records.begin(stage, done);
    put_bytes(f.scratch / (id + "/file"), id);
    if (id != "b") f.records.finish(stage, done);
  }
  CHECK(finished_stages(plan, f.scratch.path()) == std::set<std::string>{"data", "a"});
  plan.stages[1].words.emplace_back("--other");
  CHECK(finished_stages(plan, f.scratch.path()) == std::set<std::string>{"data"});
}

TEST_CASE("a damaged record counts as none", "[reproduce][stages]") {
  Finished f;
  for (const char* text : {"", "{", "[]", "{}", R"({"command": 1, "inputs": {}, "output": "x"})"}) {
    put_bytes(f.scratch / "stages/a.json", text);
    CHECK(f.state_now(f.stage) == State::missing);
  }
}

TEST_CASE("a stage without an output is an error, and an output may be a file", "[reproduce][stages]") {
  const ScratchFolder scratch;
  const StageRecords records(scratch.path());
  OutputHashes done;
  const Stage stage = stage_of("deep/er/scores.json", {});
  records.begin(stage, done);
  CHECK_THROWS_AS(records.finish(stage, done), Failure);
  put_bytes(scratch / "deep/er/scores.json", "{}");
  records.finish(stage, done);
  CHECK(records.state_of(stage, done) == State::done);
  CHECK_FALSE(hash_of_output(scratch / "nowhere"));
}

}  // namespace stage_record_test
