/// The program at the size of the real model, with random weights: `ctest --preset large`. The test needs 24 GiB of
/// memory, 32 GB of disk below the temporary folder and some minutes, and prints the numbers of
/// docs/results/full_size.md.
#include <cstdio>
#include <nlohmann/json.hpp>
#include <sstream>

#include "measured.hpp"
#include "multipl_moe/io/safetensors.hpp"
#include "support/catch.hpp"

namespace full_size_test {

using namespace multipl_moe;
using namespace multipl_moe::testing;
using Catch::Matchers::ContainsSubstring;

namespace {

std::vector<std::string> words_of(const std::string& line) {
  std::istringstream stream(line);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

double gibibytes(long kilobytes) { return static_cast<double>(kilobytes) / (1 << 20); }
/// The peak resident memory of a run.
double gibibytes(const Measured& run) { return gibibytes(run.kilobytes); }

/// Runs the command, which must succeed, and prints its time and its memory.
Measured timed(const ScratchFolder& scratch, const std::string& line) {
  constexpr unsigned an_hour = 3600;
  Measured run = measured(scratch, words_of(line), an_hour);
  std::printf("| `%s` | %.1f | %.2f | %.2f |\n", line.c_str(), run.seconds, gibibytes(run.kilobytes),
              gibibytes(run.anonymous_kilobytes));
  std::fflush(stdout);
  INFO(line << "\n" << run.outcome.error);
  REQUIRE(run.outcome.exit_code == 0);
  return run;
}

std::vector<std::byte> bytes_in(const TensorFolder& folder, const std::string& name) {
  std::vector<std::byte> bytes(folder.entry(name).bytes());
  folder.read(name, bytes);
  return bytes;
}

/// Checks that every tensor of the mixture except its routers equals one of the dense model, byte for byte; the tensors
/// of an expert equal those of the FFN. Returns the number of compared tensors.
int compared_with_dense(const std::filesystem::path& mixture, const std::filesystem::path& dense) {
  const TensorFolder made = TensorFolder::open(mixture), from = TensorFolder::open(dense);
  int compared = 0;
  for (const auto& [name, tensor] : made.tensors()) {
    std::string source = name;
    if (const auto expert = name.find(".experts."); expert != std::string::npos) {
      const auto projection = name.rfind('.', name.rfind('.') - 1);
      source = name.substr(0, name.find(".mlp.") + 4) + name.substr(projection);
    }
    if (!from.contains(source)) continue;
    INFO(name);
    REQUIRE(bytes_in(made, name) == bytes_in(from, source));
    ++compared;
  }
  return compared;
}

/// Trains for three steps and checks that the measured memory is close to the planned memory.
void train_as_planned(const ScratchFolder& scratch, const std::string& words) {
  const std::string training = "train --model pair --data data --batch-size 2 --sequence-length 512 --steps 3 " + words;
  const Outcome plan = run(scratch, training + " --dry-run --json");
  REQUIRE(plan.exit_code == 0);
  const double planned = nlohmann::json::parse(plan.out)["host_bytes"]["total"].get<double>() / (1 << 30);
  const Measured trained = timed(scratch, training + " --log-every 1");
  std::printf("\nplanned %.2f GiB, found %.2f GiB\n%s\n", planned, gibibytes(trained), trained.outcome.error.c_str());
  CHECK(gibibytes(trained) < 1.15 * planned);
  CHECK(gibibytes(trained) > 0.85 * planned);
}

}  // namespace

TEST_CASE("the commands run at the size of the real model", "[.][large]") {
  const ScratchFolder scratch;
  std::printf("| command | seconds | peak GiB | of it without mapped files |\n|---|---|---|---|\n");
  REQUIRE(run(scratch, "prepare '" MOE_TEST_CORPUS "' -o data --test-fraction 0.4").exit_code == 0);

  CHECK(gibibytes(timed(scratch, "make-checkpoint --size qwen1.5-1.8b -o qwen -q")) < 2);
  const Measured scored =
      timed(scratch, "eval --model qwen --data data --sequence-length 1024 --batch-size 1 --max-bytes 1100 --json");
  CHECK(nlohmann::json::parse(scored.outcome.out).size() > 0);
  const Measured text = timed(scratch, "generate --model qwen --prompt fn --max-new-tokens 32 --temperature 0 --json");
  CHECK(nlohmann::json::parse(text.outcome.out)["tokens"] == 32);
  std::printf("\n%s\n", text.outcome.error.c_str());

  CHECK(gibibytes(timed(scratch, "upcycle --model qwen -o moe --arch multipl-moe -q")) < 2);
  CHECK_THAT(run(scratch, "info --model moe").out, ContainsSubstring("10764994560"));
  // 24 layers with 12 experts of 3 matrices each, 4 attention matrices with 3 biases, and 2 norms; and 3 more tensors.
  CHECK(compared_with_dense(scratch / "moe", scratch / "qwen") == 24 * (36 + 7 + 2) + 3);
  // 10.8 billion parameters, 43 GB in float32: the weights stay in the files.
  for (const char* line :
       {"eval --model moe --data data --sequence-length 1024 --batch-size 1 --max-bytes 1100 --weights stored --json",
        "generate --model moe --prompt fn --max-new-tokens 32 --temperature 0 --weights stored --json"}) {
    const Measured large = timed(scratch, line);
    std::printf("\n%s\n", large.outcome.error.c_str());
    CHECK(gibibytes(large.anonymous_kilobytes) < 2);
  }
  std::filesystem::remove_all(scratch / "moe");
  std::filesystem::remove_all(scratch / "qwen");

  // The full width with two layers: the memory that a training step adds depends on the width, not on the layer count.
  put_bytes(scratch / "two.json",
            R"({"model_type": "qwen2", "hidden_size": 2048, "intermediate_size": 5504, "num_hidden_layers": 2,
                "num_attention_heads": 16, "num_key_value_heads": 16, "vocab_size": 151936, "rope_theta": 1000000.0})");
  timed(scratch, "make-checkpoint --config-json two.json -o two -q");
  CHECK(gibibytes(timed(scratch, "upcycle --model two -o noisy --noise 0.01 --reinitialize 0.5 -q")) < 2);
  std::filesystem::remove_all(scratch / "noisy");
  timed(scratch, "upcycle --model two -o pair -q");
  const std::string continued = "generate --model pair --prompt fn --max-new-tokens 32 --temperature 0 --json";
  CHECK(timed(scratch, continued + " --weights stored").outcome.out ==
        timed(scratch, continued + " --weights float32").outcome.out);
  train_as_planned(scratch, "-o run");
  std::filesystem::remove_all(scratch / "run");
  train_as_planned(scratch, "-o lean --master-weights split --moments bfloat16");
}

}  // namespace full_size_test
