/// --dtype bfloat16 of the commands that compute.
#include <nlohmann/json.hpp>

#include "../train/run_files.hpp"
#include "program.hpp"
#include "support/catch.hpp"

namespace cli_bfloat16_test {

using namespace multipl_moe::testing;
using Catch::Matchers::ContainsSubstring;

namespace {

/// A folder with data and the configuration of a tiny model.
struct Workplace {
  ScratchFolder scratch;
  Workplace() {
    REQUIRE(run(scratch, "prepare '" MOE_TEST_CORPUS "' -o data").exit_code == 0);
    put_tiny_config(scratch);
  }
  Outcome operator()(const std::string& words) const { return run(scratch, words); }
  Outcome pretrain(const std::string& words) const {
    return run(
        scratch,
        "pretrain --data data --config-json tiny.json --batch-size 2 --sequence-length 32 --threads 1 -q " + words);
  }
};

constexpr const char* held_out = " --data data --batch-size 2 --sequence-length 32 --threads 1 ";

}  // namespace

TEST_CASE("a run in bfloat16 trains, resumes, and its model is scored, traced and continued", "[cli][bfloat16]") {
  const Workplace place;
  REQUIRE(place.pretrain("--dtype bfloat16 --steps 6 -o base").exit_code == 0);
  const auto config = [&](const std::string& run) { return get_bytes(place.scratch / run / "config.toml"); };
  CHECK_THAT(config("base"), ContainsSubstring("dtype = \"bfloat16\""));

  // The settings of the run are those that it resumes with; split master weights are the default.
  const Outcome other = place.pretrain("--steps 8 -o base --resume");
  CHECK(other.exit_code == 2);
  CHECK_THAT(other.error, ContainsSubstring("--dtype: bfloat16, found float32") &&
                              ContainsSubstring("--master-weights: split, found float32"));
  CHECK(place.pretrain("--dtype bfloat16 --master-weights split --steps 6 -o base --resume").exit_code == 0);

  REQUIRE(place("upcycle --model base -o mixture --arch causal-multipl-moe --segment-window 8 -q").exit_code == 0);
  const std::string train =
      std::string("train --model mixture -q --dtype bfloat16 --master-weights bfloat16 --steps 2 ") +
      "--moments bfloat16 -o run" + held_out;
  const Outcome trained = place(train);
  INFO(trained.error);
  REQUIRE(trained.exit_code == 0);
  const auto loss = [&](const std::string& words) {
    const Outcome outcome = place("eval --json --model run" + std::string(held_out) + words);
    INFO(outcome.error);
    REQUIRE(outcome.exit_code == 0);
    return nlohmann::json::parse(outcome.out)["python"]["loss"].get<double>();
  };
  CHECK(std::abs(loss("--dtype bfloat16") - loss("")) < 0.02);
  CHECK(place("trace --model run --dtype bfloat16 -o trace" + std::string(held_out)).exit_code == 0);
  const std::string words = "generate --model run --dtype bfloat16 --prompt x --max-new-tokens 4 --json -q";
  const Outcome text = place(words), from_files = place(words + " --weights stored");
  CHECK(from_files.exit_code == 0);
  CHECK(from_files.out == text.out);
  INFO(text.error);
  REQUIRE(text.exit_code == 0);
  CHECK(nlohmann::json::parse(text.out)["tokens"] == 4);
}

TEST_CASE("settings that do not fit bfloat16 are refused", "[cli][bfloat16]") {
  const Workplace place;
  const Outcome whole = place.pretrain("--dtype bfloat16 --master-weights float32 --steps 2 -o run");
  CHECK(whole.exit_code == 2);
  CHECK_THAT(whole.error,
             ContainsSubstring("[--master-weights] must be split or bfloat16 for training with --dtype bfloat16"));
  CHECK_FALSE(std::filesystem::exists(place.scratch / "run"));
  CHECK(place.pretrain("--dtype float16 --steps 2 -o run").exit_code == 2);

  REQUIRE(place.pretrain("--steps 2 -o wide").exit_code == 0);
  for (const std::string& words :
       {"eval --model wide" + std::string(held_out), "trace -o out --model wide" + std::string(held_out),
        std::string("generate --model wide --prompt x"),
        "train -o out --steps 1 --model wide" + std::string(held_out)}) {
    const Outcome outcome = place(words + " --dtype bfloat16");
    INFO(words << "\n" << outcome.error);
    CHECK(outcome.exit_code == 2);
    CHECK_THAT(outcome.error, ContainsSubstring("[--dtype] bfloat16 reads weights that are values of bfloat16"));
  }
  for (const char* weights : {"float32", "bfloat16"}) {
    const Outcome outcome =
        place("generate --model wide --prompt x --dtype bfloat16 --weights " + std::string(weights));
    CHECK(outcome.exit_code == 2);
    CHECK_THAT(outcome.error, ContainsSubstring("is for a model that computes in float32, found --dtype bfloat16"));
  }
}

TEST_CASE("an export that rounds the float32 routers of a run in bfloat16 says so", "[cli][bfloat16]") {
  const Workplace place;
  REQUIRE(place.pretrain("--dtype bfloat16 --steps 2 -o base").exit_code == 0);
  REQUIRE(place("upcycle --model base -o mixture --arch mixtral -q").exit_code == 0);
  const std::string train = "train --model mixture -q --dtype bfloat16 --trainable all --steps 2 -o run";
  REQUIRE(place(train + held_out).exit_code == 0);
  CHECK_THAT(place("export --model run -o rounded").error,
             ContainsSubstring("stored in float32, such as model.layers.0.mlp.gate.weight, are rounded to bfloat16") &&
                 ContainsSubstring("--dtype float32 keeps the values"));
  const Outcome named = place("export --model run -o named --dtype bfloat16"),
                kept = place("export --model run -o kept --dtype float32"),
                dense = place("export --model base -o dense");
  for (const Outcome& outcome : {named, kept, dense}) {
    CHECK(outcome.exit_code == 0);
    CHECK_THAT(outcome.error, !ContainsSubstring("rounded"));
  }
}

TEST_CASE("the plan of a run in bfloat16 needs less for weights and activations than split float32",
          "[cli][bfloat16]") {
  const Workplace place;
  const auto plan = [&](const std::string& words) {
    return nlohmann::json::parse(place.pretrain("--dry-run --json --steps 2 -o run " + words).out);
  };
  const auto wide = plan("--master-weights split"), narrow = plan("--dtype bfloat16");
  CHECK(narrow["host_bytes"]["weights"].get<double>() == 0.5 * wide["host_bytes"]["weights"].get<double>());
  CHECK(narrow["host_bytes"]["moments"] == wide["host_bytes"]["moments"]);
  CHECK(narrow["host_bytes"]["gradients"] == wide["host_bytes"]["gradients"]);
  CHECK(narrow["host_bytes"]["activations"] < wide["host_bytes"]["activations"]);
  CHECK(narrow["disk_bytes"]["checkpoint"] < wide["disk_bytes"]["checkpoint"]);
}

}  // namespace cli_bfloat16_test
