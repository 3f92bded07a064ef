/// The folder of a run of `evaluate` that is begun and resumed.
#include "multipl_moe/cli/evaluation_folder.hpp"

#include "../io/scratch.hpp"
#include "../support/stderr_capture.hpp"
#include "multipl_moe/io/atomic_folder.hpp"
#include "support/catch.hpp"

namespace evaluation_folder_test {

using namespace multipl_moe;
using namespace multipl_moe::testing;
using Catch::Matchers::ContainsSubstring;

namespace {

std::string settings_on(const std::string& hardware) {
  return "[evaluate]\nseed = 0\n\n[record]\nhardware = [" + hardware + "]\nproblems = 1\n";
}

struct Folder {
  /// What is said when the run is begun, or resumed, with these settings.
  std::string notices_of(const std::string& settings, bool resume) const {
    const StderrCapture capture;
    EvaluationFolder(path, settings, resume);
    return capture.text();
  }
  std::string settings() const { return get_bytes(path / "evaluation.toml"); }

  ScratchFolder scratch;
  std::filesystem::path path = scratch / "run";
};

}  // namespace

TEST_CASE("a resumed evaluation names all hardware that has generated its completions", "[cli][evaluate]") {
  const Folder folder;
  CHECK(folder.notices_of(settings_on("\"NVIDIA H200\""), false).empty());
  CHECK(folder.settings() == settings_on("\"NVIDIA H200\""));
  CHECK_THAT(folder.notices_of(settings_on("\"cpu\""), true),
             ContainsSubstring("note: completions of this run were generated on NVIDIA H200, the others are generated "
                               "on cpu;") &&
                 ContainsSubstring("evaluation.toml names both"));
  const std::string both = settings_on("\"NVIDIA H200\",\"cpu\"");
  CHECK(folder.settings() == both);
  for (const char* hardware : {"\"cpu\"", "\"NVIDIA H200\""}) {
    CHECK(folder.notices_of(settings_on(hardware), true).empty());
    CHECK(folder.settings() == both);
  }
  // Nothing is generated any more.
  put_bytes(folder.path / "completions.jsonl", "");
  CHECK(folder.notices_of(settings_on("\"NVIDIA L40S\""), true).empty());
  CHECK(folder.settings() == both);
}

TEST_CASE("an evaluation that does not name its hardware was on the CPU", "[cli][evaluate]") {
  const Folder folder;
  REQUIRE(folder.notices_of("[evaluate]\nseed = 0\n\n[record]\nproblems = 1\n", false).empty());
  CHECK(folder.notices_of(settings_on("\"cpu\""), true).empty());
  CHECK(folder.settings() == settings_on("\"cpu\""));
}

TEST_CASE("an evaluation of given completions names no hardware", "[cli][evaluate]") {
  const Folder folder;
  const std::string settings = "[evaluate]\nseed = 0\n\n[record]\nproblems = 1\n";
  REQUIRE(folder.notices_of(settings, false).empty());
  CHECK(folder.notices_of(settings, true).empty());
  CHECK(folder.settings() == settings);
}

TEST_CASE("an evaluation that was killed before it had its settings is begun by the same command", "[cli][evaluate]") {
  for (const bool resume : {false, true}) {
    const Folder folder, used;
    for (const Folder* killed : {&folder, &used}) {
      create_folders(killed->path);
      put_bytes(killed->path / ".evaluation.toml.partial", "[evalu");
    }
    CHECK(folder.notices_of(settings_on("\"cpu\""), resume).empty());
    CHECK(folder.settings() == settings_on("\"cpu\""));
    CHECK(std::distance(std::filesystem::directory_iterator(folder.path), {}) == 1);
    put_bytes(used.path / ".hidden", "");
    CHECK_THROWS_WITH(used.notices_of(settings_on("\"cpu\""), resume), ContainsSubstring("must be a new or an empty"));
    CHECK(get_bytes(used.path / ".evaluation.toml.partial") == "[evalu");
  }
}

}  // namespace evaluation_folder_test
