/// The commands of `probe`, from a shell.
#include <nlohmann/json.hpp>

#include "program.hpp"
#include "support/catch.hpp"

namespace probe_command_test {

using namespace multipl_moe::testing;
using Catch::Matchers::ContainsSubstring;

namespace {

/// Data of random letters and an untrained model of the paper.
struct Workplace {
  ScratchFolder scratch;
  Workplace() {
    put_tiny_config(scratch);
    REQUIRE(
        run(scratch, "make-checkpoint --config-json tiny.json --arch multipl-moe --seed 3 --deviation 0.4 -q -o paper")
            .exit_code == 0);
  }
  Outcome operator()(const std::string& words) const { return run(scratch, words); }
};

}  // namespace

TEST_CASE("probe leak scores random letters and the held-out text of a corpus", "[cli][probe]") {
  const Workplace place;
  REQUIRE(place("probe random-text -o random --lines 1 --seed 5").exit_code == 0);
  const auto files = names_in(place.scratch / "random");
  CHECK(std::count_if(files.begin(), files.end(), [](const auto& name) { return name.starts_with("random_"); }) == 6);
  const std::string text = get_bytes(place.scratch / "random/random_00000.py");
  CHECK(text.size() == 1024 * 64);
  CHECK(text != get_bytes(place.scratch / "random/random_00001.java"));
  const Outcome prepared = place("prepare random -o data --dev-fraction 0.3 --test-fraction 0.4 --json");
  REQUIRE(prepared.exit_code == 0);
  const auto filtered = nlohmann::json::parse(prepared.out);
  for (const auto& language : filtered["languages"])
    for (const auto& count : language["filtered"]) CHECK(count == 0);

  const std::string small =
      "probe leak --model paper --sequence-length 128 --batch-size 2 --lines 5 --windows 2 --positions 2 --threads 1 ";
  const Outcome json = place(small + "-o first --json");
  INFO(json.error);
  REQUIRE(json.exit_code == 0);
  CHECK(json.out == get_bytes(place.scratch / "first/leak.json"));
  CHECK(nlohmann::json::parse(json.out)["random"]["letters"] == 2 * 126);
  CHECK(nlohmann::json::parse(json.out)["causal"] == false);
  CHECK_THAT(get_bytes(place.scratch / "first/leak.csv"), ContainsSubstring("random letters,accuracy,"));
  const Outcome page = place(small + "-o second --data data --alphabet decimal");
  INFO(page.error);
  REQUIRE(page.exit_code == 0);
  CHECK(page.out == get_bytes(place.scratch / "second/leak.md"));
  CHECK_THAT(page.out, ContainsSubstring("random decimal digits") && ContainsSubstring("at most 11.41 %"));
}

TEST_CASE("probe lesion writes what removing experts costs in each language", "[cli][probe]") {
  const Workplace place;
  REQUIRE(place("prepare '" MOE_TEST_CORPUS "' -o data").exit_code == 0);
  const std::string small =
      "probe lesion --model paper --data data --sequence-length 32 --max-bytes 100 --threads 1 --layers 1 ";
  const Outcome page = place(small + "-o first");
  INFO(page.error);
  REQUIRE(page.exit_code == 0);
  CHECK(page.out == get_bytes(place.scratch / "first/lesion.md"));
  CHECK_THAT(page.error, ContainsSubstring("probe lesion 16/16"));
  CHECK_THAT(get_bytes(place.scratch / "first/lesion_matrix.csv"),
             ContainsSubstring("kind,layer,expert,python,java,cpp,rust,go,ruby\n"));
  const Outcome json = place(small + "-o second --json -q");
  INFO(json.error);
  REQUIRE(json.exit_code == 0);
  CHECK(json.error.empty());
  CHECK(nlohmann::json::parse(json.out)["lesions"].size() == 3 + 12);
  CHECK(json.out == get_bytes(place.scratch / "second/lesion.json"));
}

TEST_CASE("probe bypass reads a model, or every checkpoint of a run", "[cli][probe]") {
  const Workplace place;
  REQUIRE(place("prepare '" MOE_TEST_CORPUS "' -o data").exit_code == 0);
  const std::string sizes = " --data data --batch-size 2 --sequence-length 32 --threads 1 ";
  REQUIRE(place("train --model paper --steps 3 --save-steps 1 --keep-checkpoints 2 -q -o run" + sizes).exit_code == 0);
  const Outcome of_run = place("probe bypass --model run --tokens 64 --json -o over-training" + sizes);
  INFO(of_run.error);
  REQUIRE(of_run.exit_code == 0);
  CHECK(of_run.out == get_bytes(place.scratch / "over-training/bypass.json"));
  const auto points = nlohmann::json::parse(of_run.out)["points"];
  REQUIRE(points.size() == 2);
  CHECK(points[0]["step"] == 2);
  CHECK(points[1]["step"] == 3);
  CHECK(points[0]["mean_gate"].size() == 6);
  const Outcome of_model = place("probe bypass --model paper --tokens 64 -o once" + sizes);
  INFO(of_model.error);
  REQUIRE(of_model.exit_code == 0);
  CHECK(of_model.out == get_bytes(place.scratch / "once/bypass.md"));
  CHECK_THAT(get_bytes(place.scratch / "once/bypass.csv"), ContainsSubstring("\n,0,python,"));
}

TEST_CASE("probe refuses what it cannot do and leaves no folder", "[cli][probe]") {
  const Workplace place;
  const auto refused = [&](const std::string& words, const std::string& text) {
    const Outcome outcome = place(words);
    INFO(words << "\n" << outcome.error);
    CHECK(outcome.exit_code == 2);
    CHECK_THAT(outcome.error, ContainsSubstring(text));
    CHECK_FALSE(std::filesystem::exists(place.scratch / "out"));
  };
  refused("probe", "leak");
  refused("probe leak --model paper", "--output");
  refused("probe leak --model paper -o out --split dev", "--split is a setting of --data");
  refused("probe leak --model paper -o out --lines 1", "--lines must give a sequence of 256 tokens");
  refused("probe leak --model paper -o out --alphabet roman", "roman");
  refused("probe leak --model paper -o out --sequence-length 99999", "max_position_embeddings");
  refused("probe leak --model paper -o paper", "--output must be a new or an empty folder");
  refused("probe random-text -o paper", "--output must be a new or an empty folder");
  refused("probe random-text -o out --lines 0", "above 0");
  const std::string lesion = "probe lesion --model paper --data data -o out ";
  refused(lesion + "--kinds-only --layers 0", "--layers chooses single experts");
  refused(lesion + "--weights stored", "must be in memory");
  refused(lesion + "--layers 2", "of 0 to 1, found 2");
}

}  // namespace probe_command_test
