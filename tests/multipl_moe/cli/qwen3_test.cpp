/// Qwen3 and Qwen3-MoE through the program's commands.
#include <nlohmann/json.hpp>

#include "multipl_moe/io/architecture.hpp"
#include "program.hpp"
#include "support/catch.hpp"

namespace qwen3_test {

using namespace multipl_moe::testing;
using Catch::Matchers::ContainsSubstring;
using Json = nlohmann::json;

namespace {

constexpr const char* dense = R"({"model_type": "qwen3", "hidden_size": 16, "intermediate_size": 24,
  "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 12, "vocab_size": 257,
  "use_sliding_window": true, "sliding_window": 20, "max_window_layers": 0})";
constexpr const char* mixture = R"({"model_type": "qwen3_moe", "hidden_size": 16, "intermediate_size": 24,
  "moe_intermediate_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 1,
  "head_dim": 12, "vocab_size": 257, "num_experts": 4, "num_experts_per_tok": 2, "norm_topk_prob": true,
  "mlp_only_layers": [0]})";
const std::string small = " --data data --batch-size 2 --sequence-length 32 --steps 2 --threads 1 -q";

double bits_of(const ScratchFolder& scratch, const std::string& model) {
  const Outcome eval =
      run(scratch, "eval --model " + model + " --data data --sequence-length 32 --json --max-bytes 200");
  INFO(eval.error);
  REQUIRE(eval.exit_code == 0);
  return Json::parse(eval.out)["rust"]["bits_per_byte"].get<double>();
}

void check_use(const ScratchFolder& scratch, const std::string& model) {
  const Outcome trained = run(scratch, "train --model " + model + " -o " + model + "-post" + small);
  INFO(trained.error);
  REQUIRE(trained.exit_code == 0);
  CHECK(bits_of(scratch, model + "-post") != bits_of(scratch, model));
  CHECK(run(scratch, "generate --model " + model + "-post --max-new-tokens 30 --prompt fn").exit_code == 0);
}

Json config_in(const ScratchFolder& scratch, const std::string& folder) {
  return Json::parse(get_bytes(scratch / (folder + "/config.json")));
}

}  // namespace

TEST_CASE("a Qwen3 can be trained, upcycled to every mixture, used for generation and exported", "[cli]") {
  const ScratchFolder scratch;
  REQUIRE(run(scratch, "prepare '" MOE_TEST_CORPUS "' -o data").exit_code == 0);
  put_bytes(scratch / "dense.json", dense);
  REQUIRE(run(scratch, "pretrain -o base --config-json dense.json" + small).exit_code == 0);
  const double base = bits_of(scratch, "base");
  for (const multipl_moe::Architecture* architecture : multipl_moe::architectures()) {
    const std::string name(architecture->name);
    INFO(name);
    const std::string ranks = name == "mole" ? " --language-rank 3 --shared-rank 5" : "";
    REQUIRE(run(scratch, "upcycle --model base -o " + name + " --arch " + name + ranks).exit_code == 0);
    if (name == "mixtral" || name == "gshard" || name == "lora" || name == "mole")
      CHECK(bits_of(scratch, name) == Catch::Approx(base).epsilon(1e-5));
    check_use(scratch, name);
  }
  REQUIRE(run(scratch, "export --model mixtral-post -o exported").exit_code == 0);
  CHECK(config_in(scratch, "exported")["model_type"] == "qwen3_moe");
  REQUIRE(run(scratch, "merge --model lora-post -o merged").exit_code == 0);
  CHECK(config_in(scratch, "merged")["model_type"] == "qwen3");
  CHECK(bits_of(scratch, "merged") == Catch::Approx(bits_of(scratch, "lora-post")).epsilon(1e-5));
  const Outcome refused = run(scratch, "export --model qwen1.5-moe -o none");
  CHECK(refused.exit_code == 2);
  CHECK_THAT(refused.error, ContainsSubstring("no shared expert"));
}

TEST_CASE("a Qwen3-MoE with dense layers can be trained, traced, used for generation and exported", "[cli]") {
  const ScratchFolder scratch;
  REQUIRE(run(scratch, "prepare '" MOE_TEST_CORPUS "' -o data").exit_code == 0);
  put_bytes(scratch / "mixture.json", mixture);
  REQUIRE(run(scratch, "pretrain -o mixture --config-json mixture.json" + small).exit_code == 0);
  check_use(scratch, "mixture");
  const Outcome info = run(scratch, "info --model mixture");
  CHECK_THAT(info.out, ContainsSubstring("dense layers         1, with an FFN of 24"));
  CHECK(run(scratch, "trace --model mixture --data data --sequence-length 32 --tokens 64 -o traced").exit_code == 0);
  CHECK(run(scratch, "train --model mixture -o recorded --record-routing r.safetensors" + small).exit_code == 0);
  const Outcome replayed = run(scratch, "train --model mixture -o replayed --replay-routing r.safetensors" + small);
  INFO(replayed.error);
  CHECK(replayed.exit_code == 0);
  REQUIRE(run(scratch, "export --model mixture -o exported").exit_code == 0);
  CHECK(config_in(scratch, "exported")["mlp_only_layers"] == Json::array({0}));
  CHECK(bits_of(scratch, "exported") == bits_of(scratch, "mixture"));
}

TEST_CASE("a published Qwen3-MoE is counted and planned without allocating it", "[cli]") {
  const ScratchFolder scratch;
  std::filesystem::create_directory(scratch / "large");
  put_bytes(scratch / "large/config.json",
            R"({"model_type": "qwen3_moe", "hidden_size": 2048, "intermediate_size": 6144, "moe_intermediate_size": 768,
                "num_hidden_layers": 48, "num_attention_heads": 32, "num_key_value_heads": 4, "head_dim": 128,
                "num_experts": 128, "num_experts_per_tok": 8, "norm_topk_prob": true, "vocab_size": 151936,
                "max_position_embeddings": 40960, "rope_theta": 1000000.0})");
  const Outcome info = run(scratch, "info --json --model large");
  REQUIRE(info.exit_code == 0);
  CHECK(Json::parse(info.out)["parameters"]["total"] == 30532122624);
  REQUIRE(run(scratch, "prepare '" MOE_TEST_CORPUS "' -o data").exit_code == 0);
  const Outcome plan = run(scratch, "pretrain --config-json large/config.json --data data -o none --dry-run");
  CHECK_THAT(plan.out,
             ContainsSubstring("values stored       30532122624") && ContainsSubstring("with one micro-batch of"));
  CHECK_FALSE(std::filesystem::exists(scratch / "none"));
}

}  // namespace qwen3_test
