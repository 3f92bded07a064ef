/// Runs and models of an earlier version of the program, made by tests/golden/make_earlier_run.sh, continue to work.
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>

#include "multipl_moe/io/architecture.hpp"
#include "program.hpp"
#include "support/catch.hpp"

namespace earlier_version_test {

using namespace multipl_moe::testing;
namespace fs = std::filesystem;

namespace {

const fs::path golden = fs::path(MOE_GOLDEN_DIR).parent_path(), earlier = golden / "earlier_run";

std::vector<nlohmann::json> lines_of(const fs::path& file) {
  std::istringstream text(get_bytes(file));
  std::vector<nlohmann::json> lines;
  for (std::string line; std::getline(text, line);) lines.push_back(nlohmann::json::parse(line));
  return lines;
}

/// A copy of the earlier run in its own folder, where it may change.
struct Copied {
  Copied() { fs::copy(earlier, scratch.path(), fs::copy_options::recursive); }

  ScratchFolder scratch;
};

}  // namespace

TEST_CASE("a checkpoint of an earlier version generates the same text", "[cli]") {
  const Copied place;
  const Outcome text =
      run(place.scratch, "generate --model run --prompt 'def ' --max-new-tokens 24 --seed 3 --json -q");
  INFO(text.error);
  REQUIRE(text.exit_code == 0);
  CHECK(text.out == get_bytes(earlier / "text.jsonl"));
}

TEST_CASE("a resumed run of an earlier version reaches that version's results", "[cli]") {
  const Copied place;
  const Outcome resumed = run(place.scratch, "train --config run/config.toml --resume -q");
  INFO(resumed.error);
  REQUIRE(resumed.exit_code == 0);
  const auto expected = lines_of(earlier / "metrics.jsonl"), found = lines_of(place.scratch / "run/metrics.jsonl");
  REQUIRE(expected.size() == 2);
  REQUIRE(found.size() == 4);
  for (std::size_t i = 0; i < expected.size(); ++i)
    for (const char* const key : {"step", "loss", "aux", "learning_rate", "gradient_norm"}) {
      INFO("line " << i << ", " << key);
      // Other machines sum in another order.
      CHECK(found[i + 2].at(key).get<double>() == Approx(expected[i].at(key).get<double>()).epsilon(1e-4));
    }
}

TEST_CASE("a model folder of an earlier version can be trained and evaluated", "[cli]") {
  const Copied place;
  const Outcome trained =
      run(place.scratch, "train --model moe --data data --steps 2 --batch-size 2 --sequence-length 32 -o fresh -q");
  INFO(trained.error);
  REQUIRE(trained.exit_code == 0);
  CHECK(run(place.scratch, "info --model moe").exit_code == 0);
  CHECK(run(place.scratch, "eval --model fresh --data data --sequence-length 32").exit_code == 0);
}

TEST_CASE("a resumed run of an earlier version reaches that version's results, for every architecture", "[cli]") {
  const ScratchFolder scratch;
  fs::copy(golden / "earlier_models", scratch.path(), fs::copy_options::recursive);
  for (const multipl_moe::Architecture* architecture : multipl_moe::architectures()) {
    const std::string name(architecture->name), folder = name + "-run";
    INFO(name);
    std::string config = get_bytes(scratch / (folder + "/checkpoints/step-000002/config.json"));
    const Outcome resumed = run(scratch, "train --config " + folder + "/config.toml --resume -q");
    INFO(resumed.error);
    REQUIRE(resumed.exit_code == 0);
    const auto expected = lines_of(scratch / (name + ".jsonl")),
               found = lines_of(scratch / (folder + "/metrics.jsonl"));
    REQUIRE(expected.size() == 2);
    REQUIRE(found.size() == 4);
    for (std::size_t i = 0; i < expected.size(); ++i)
      for (const char* const key : {"loss", "gradient_norm"})
        CHECK(found[i + 2].at(key).get<double>() == Approx(expected[i].at(key).get<double>()).epsilon(1e-4));
    // The new configuration equals the old one in the current spelling.
    if (const auto at = config.find("normalised"); at != config.npos) config.replace(at, 10, "normalized");
    CHECK(nlohmann::json::parse(get_bytes(scratch / (folder + "/checkpoints/step-000004/config.json"))) ==
          nlohmann::json::parse(config));
    CHECK(run(scratch, "train --model " + name + " --data data --steps 1 --batch-size 1 --sequence-length 32 -o " +
                           name + "-anew -q")
              .exit_code == 0);
    CHECK(run(scratch, "generate --model " + folder + " --prompt 'def ' --max-new-tokens 4 -q").exit_code == 0);
  }
}

}  // namespace earlier_version_test
