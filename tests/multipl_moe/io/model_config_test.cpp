#include "multipl_moe/io/model_config.hpp"

#include <cmath>
#include <functional>
#include <nlohmann/json.hpp>
#include <vector>

#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/scratch.hpp"
#include "support/catch.hpp"

namespace model_config_test {

using namespace multipl_moe;
using namespace multipl_moe::testing;
using Catch::Matchers::ContainsSubstring;
using Json = nlohmann::json;

namespace {

Json small() { return Json::parse(to_json_text(size_named("demo"))); }

Json small_mixture() {
  ModelConfig config = size_named("demo");
  config.moe = mixture_named("multipl-moe");
  return Json::parse(to_json_text(config));
}

void check_refused(const Json& json, const std::string& message) {
  INFO(json.dump());
  try {
    parse_config(json.dump(), "config.json");
    FAIL_CHECK("was accepted");
  } catch (const BadFile& error) {
    CHECK_THAT(error.what(), ContainsSubstring("config.json") && ContainsSubstring(message));
  }
}

}  // namespace

TEST_CASE("named sizes are the published ones") {
  const ModelConfig config = size_named("qwen1.5-1.8b");
  CHECK(config.hidden_size == 2048);
  CHECK(config.intermediate_size == 5504);
  CHECK(config.num_hidden_layers == 24);
  CHECK(config.num_attention_heads == 16);
  CHECK(config.num_key_value_heads == 16);
  CHECK(config.head_dim() == 128);
  CHECK(config.vocab_size == 151936);
  CHECK(config.max_position_embeddings == 32768);
  CHECK(config.rope_theta == 1e6);
  CHECK(config.architecture() == "dense");
  CHECK_FALSE(fault_in(size_named("demo")).has_value());
  CHECK_THROWS_WITH(size_named("qwen"), ContainsSubstring("qwen1.5-1.8b, demo, tiny, found 'qwen'"));
}

TEST_CASE("named mixtures are valid and as published") {
  ModelConfig config = size_named("qwen1.5-1.8b");
  for (const char* const name :
       {"dense", "multipl-moe", "causal-multipl-moe", "lora", "mole", "gshard", "mixtral", "qwen1.5-moe"}) {
    config.moe = mixture_named(name);
    CHECK(config.architecture() == name);
    CHECK_FALSE(fault_in(config).has_value());
  }
  CHECK(config.expert_width() == 1408);
  CHECK(mixture_named("gshard")->num_experts_per_tok == 3);
  CHECK(mixture_named("gshard")->expert_capacity_factor == 1.25);
  CHECK(mixture_named("gshard")->random_choice == "on");
  CHECK(mixture_named("mixtral")->expert_capacity_factor == 0);
  CHECK(mixture_named("multipl-moe")->balance == "all");
  CHECK(mixture_named("causal-multipl-moe")->fusion == "normalized");
  CHECK_THROWS_WITH(mixture_named("moe"), ContainsSubstring("mixtral, qwen1.5-moe, lora, mole, found 'moe'"));
}

TEST_CASE("a configuration is equal after writing and reading") {
  const ScratchFolder folder;
  ModelConfig config = size_named("demo");
  config.rms_norm_eps = 1.0 / 3e5;
  write_config(folder / "config.json", config);
  CHECK(read_config(folder / "config.json") == config);
  config.moe = mixture_named("causal-multipl-moe");
  config.moe->num_token_experts = 5;
  config.moe->shared_expert_index = 4;
  config.moe->segment_capacity_factor = 1.25;
  config.moe->fusion_token_weight = 0.1;
  config.moe->threshold_beta = 0.99;
  config.moe->moe_intermediate_size = 40;
  write_config(folder / "config.json", config);
  CHECK(read_config(folder / "config.json") == config);
  config.hidden_size = 0;
  CHECK_THROWS_AS(write_config(folder / "config.json", config), Failure);
}

TEST_CASE("a config.json of Hugging Face is read") {
  const ModelConfig config = parse_config(R"({
    "architectures": ["Qwen2ForCausalLM"], "attention_dropout": 0.0, "bos_token_id": 151643, "eos_token_id": 151643,
    "hidden_act": "silu", "hidden_size": 2048, "initializer_range": 0.02, "intermediate_size": 5504,
    "max_position_embeddings": 32768, "max_window_layers": 21, "model_type": "qwen2", "num_attention_heads": 16,
    "num_hidden_layers": 24, "num_key_value_heads": 16, "rms_norm_eps": 1e-06, "rope_theta": 1000000.0,
    "sliding_window": 32768, "tie_word_embeddings": false, "torch_dtype": "bfloat16", "use_cache": true,
    "use_sliding_window": false, "vocab_size": 151936})",
                                          "config.json");
  CHECK(config == size_named("qwen1.5-1.8b"));
}

TEST_CASE("fields that may be missing have the defaults of Hugging Face") {
  const ModelConfig config = parse_config(
      R"({"hidden_size": 128, "intermediate_size": 4, "num_hidden_layers": 1, "num_attention_heads": 64, "vocab_size": 9,
          "rope_scaling": null})",
      "c");
  CHECK(config.num_key_value_heads == 32);
  CHECK(config.rope_theta == 10000.0);
  CHECK(config.rms_norm_eps == 1e-6);
  CHECK_FALSE(config.moe.has_value());
}

TEST_CASE("the base of the rotary embedding is read from either field") {
  Json json = small();
  json.erase("rope_theta");
  json["rope_parameters"] = {{"rope_type", "default"}, {"rope_theta", 500.0}};
  CHECK(parse_config(json.dump(), "c").rope_theta == 500.0);
  json["rope_parameters"]["rope_type"] = "longrope";
  check_refused(json, "rope_parameters.rope_type must be \"default\" or ");
}

TEST_CASE("head_dim, QK norms, windows and scaled rotary embeddings are equal after writing and reading") {
  ModelConfig config = size_named("demo");
  config.attention_head_dim = 48;
  config.windows = {0, 100};
  config.rope_scaling = {.type = RotaryScaling::Type::llama3, .factor = 8, .original_positions = 512};
  REQUIRE_FALSE(fault_in(config));
  CHECK(config.head_dim() == 48);
  CHECK(config.window_of(0) == 0);
  CHECK(config.window_of(1) == 100);
  Json json = Json::parse(to_json_text(config));
  CHECK(json["model_type"] == "qwen2");
  CHECK(json["head_dim"] == 48);
  CHECK(json["use_sliding_window"] == true);
  CHECK(json["sliding_window"] == 100);
  CHECK(json["max_window_layers"] == 1);
  CHECK(parse_config(json.dump(), "c") == config);

  config.qk_norm = true;
  CHECK(Json::parse(to_json_text(config))["model_type"] == "multipl_moe");
  CHECK(parse_config(to_json_text(config), "c") == config);
  config.moe = mixture_named("causal-multipl-moe");
  CHECK(parse_config(to_json_text(config), "c") == config);

  // A head_dim that follows from the sizes is not stored; with a head_dim the sizes need not be divisible.
  json["head_dim"] = 32;
  CHECK(parse_config(json.dump(), "c").attention_head_dim == 0);
  json["head_dim"] = 32;
  json["hidden_size"] = 130;
  CHECK(parse_config(json.dump(), "c").head_dim() == 32);
}

TEST_CASE("mixtral, gshard and qwen1.5-moe may have any activation, other mixtures only SiLU") {
  for (const std::string& name : mixture_names()) {
    INFO(name);
    ModelConfig config = size_named("demo");
    config.moe = mixture_named(name, config.intermediate_size);
    config.hidden_act = "gelu";
    if (name == "mixtral" || name == "gshard" || name == "qwen1.5-moe") {
      CHECK(parse_config(to_json_text(config), "c") == config);
    } else {
      CHECK_THROWS_WITH(parse_config(to_json_text(config), "c"),
                        ContainsSubstring("hidden_act must be \"silu\" in a " + name + ", found \"gelu\""));
    }
  }
  Json json = Json::parse(to_json_text(size_named("demo")));
  json["hidden_act"] = "swish";
  CHECK(parse_config(json.dump(), "c").hidden_act == "silu");
  json["hidden_act"] = "gelu_new";
  CHECK(parse_config(json.dump(), "c").hidden_act == "gelu_pytorch_tanh");
}

TEST_CASE("a mixture may have layers with a dense FFN, listed in ascending order") {
  ModelConfig config = size_named("demo");
  config.dense_layers = {0};
  CHECK_THAT(*fault_in(config), ContainsSubstring("dense_layers must be empty in a dense, found 1"));
  config.moe = mixture_named("lora");
  CHECK_THAT(*fault_in(config), ContainsSubstring("dense_layers must be empty in a lora"));
  config.moe = mixture_named("causal-multipl-moe");
  CHECK_FALSE(fault_in(config));
  CHECK(parse_config(to_json_text(config), "c") == config);
  CHECK(config.of_layer(0).architecture() == "dense");
  CHECK(config.of_layer(1).architecture() == "causal-multipl-moe");
  for (const auto& layers : std::vector<std::vector<std::int64_t>>{{-1}, {2}, {1, 0}, {0, 0}}) {
    config.dense_layers = layers;
    CHECK_THAT(*fault_in(config), ContainsSubstring("dense_layers must be layers 0 to 1 in ascending order"));
  }
  config.dense_layers = {0, 1};
  CHECK_THAT(*fault_in(config), ContainsSubstring("must leave a layer with experts"));
}

TEST_CASE("the longest text is max_position_embeddings, and more with dynamic scaling") {
  ModelConfig config = size_named("demo");
  CHECK(config.longest_text() == 4096);
  config.rope_scaling = {.type = RotaryScaling::Type::yarn, .factor = 2, .original_positions = 2048};
  CHECK(config.longest_text() == 4096);
  config.rope_scaling = {.type = RotaryScaling::Type::dynamic, .factor = 2.5, .original_positions = 4096};
  CHECK(config.longest_text() == 10240);
  config.rope_scaling.factor = 0.5;
  CHECK(config.longest_text() == 4096);
}

TEST_CASE("files may tie embedding and head, and state the dtype of the weights") {
  Json json = small();
  CHECK(json["torch_dtype"] == "float32");
  CHECK_FALSE(parse_stored_config(json.dump(), "c").model.tie_word_embeddings);
  json["tie_word_embeddings"] = true;
  CHECK(parse_stored_config(json.dump(), "c").model.tie_word_embeddings);
  CHECK(Json::parse(to_json_text(size_named("demo"), "bfloat16"))["torch_dtype"] == "bfloat16");
  CHECK(dtype_of_torch("bfloat16") == "BF16");
  CHECK(dtype_of_torch("float16") == "F16");
  CHECK_THROWS_WITH(dtype_of_torch("int8"), ContainsSubstring("float32, bfloat16, float16, found 'int8'"));
}

TEST_CASE("a model without attention biases is not written as a Qwen2") {
  ModelConfig config = size_named("demo");
  config.attention_bias = false;
  const Json json = Json::parse(to_json_text(config));
  CHECK(json["model_type"] == "multipl_moe");
  CHECK(parse_config(json.dump(), "c") == config);
  config.moe = mixture_named("mixtral");
  CHECK(parse_config(to_json_text(config), "c") == config);
}

TEST_CASE("missing fields of a mixture have the defaults of its architecture") {
  Json json = small();
  json["moe"] = {{"architecture", "mixtral"}, {"num_experts_per_tok", 1}};
  const ModelConfig config = parse_config(json.dump(), "c");
  CHECK(config.moe->num_token_experts == 8);
  CHECK(config.moe->num_experts_per_tok == 1);
  json["moe"] = {{"architecture", "dense"}};
  CHECK_FALSE(parse_config(json.dump(), "c").moe.has_value());
}

TEST_CASE("unsupported configurations are refused") {
  for (const auto& [field, value, message] : std::vector<std::tuple<std::string, Json, std::string>>{
           {"tie_word_embeddings", 1, "tie_word_embeddings must be true or false, found 1"},
           {"attention_bias", "yes", "attention_bias must be true, found"},
           {"layer_types", Json::array({"full_attention", "sliding_attention"}),
            "use_sliding_window must be true where layer_types has \"sliding_attention\", found false"},
           {"hidden_act", "tanh",
            "hidden_act must be \"silu\" or \"gelu\" or \"gelu_pytorch_tanh\", found "
            "\"tanh\""},
           {"model_type", "llama",
            "model_type must be \"multipl_moe\" or \"qwen2\" or \"mixtral\" or \"qwen2_moe\" or \"qwen3\" or "
            "\"qwen3_moe\", found"},
           {"rope_scaling", {{"type", "linear"}}, "rope_scaling.factor is missing"},
           {"head_dim", 33, "head_dim must be even, found 33"},
           {"head_dim", 0, "head_dim must be at least 1, found 0"},
           {"head_dim", 70'000, "head_dim must be 0 to 65536, found 70000"},
           {"hidden_size", 0, "hidden_size must be 1 to 16777216, found 0"},
           {"hidden_size", -128, "found -128"},
           {"hidden_size", 128.0, "hidden_size must be an integer below 2^63, found 128.0"},
           {"hidden_size", "128", "hidden_size must be an integer"},
           {"hidden_size", std::uint64_t{1} << 63, "hidden_size must be an integer below 2^63"},
           {"hidden_size", nullptr, "hidden_size is missing"},
           {"hidden_size", 130, "num_attention_heads must divide hidden_size, found 4 and 130"},
           {"hidden_size", 132, "hidden_size / num_attention_heads must be even, found 33"},
           {"num_hidden_layers", std::int64_t{1} << 31, "num_hidden_layers must be 1 to 10000, found 2147483648"},
           {"num_attention_heads", 0, "num_attention_heads must be 1"},
           {"num_key_value_heads", 3, "num_key_value_heads must divide num_attention_heads, found 3 and 4"},
           {"vocab_size", 0, "vocab_size"},
           {"intermediate_size", std::int64_t{1} << 40, "intermediate_size must be"},
           {"max_position_embeddings", 0, "max_position_embeddings"},
           {"rms_norm_eps", -1.0, "rms_norm_eps must be 0 to 1, found -1"},
           {"rope_theta", 0.0, "rope_theta must be"},
           {"rope_theta", "1e6", "rope_theta must be a number"},
           {"moe", 3, "moe must be an object, found 3"}}) {
    Json json = small();
    json[field] = value;
    check_refused(json, message);
  }
  check_refused(Json::array(), "must be a JSON object, found array");
}

TEST_CASE("invalid mixtures are refused") {
  for (const auto& [field, value, message] : std::vector<std::tuple<std::string, Json, std::string>>{
           {"architecture", "moe", "found 'moe'"},
           {"architecture", 3, "moe.architecture must be a string, found 3"},
           {"segment_windows", 8, "moe.segment_windows must be absent or null, found 8"},
           {"norm_topk_prob", 1, "moe.norm_topk_prob must be true or false"},
           {"global_balance", "yes", "moe.global_balance must be true or false"},
           {"num_token_experts", 0, "moe.num_token_experts must be 1 to 65536, found 0"},
           {"num_segment_experts", 0, "moe.num_segment_experts must be 1"},
           {"num_experts_per_tok", 7, "moe.num_experts_per_tok must be 1 to 6, found 7"},
           {"shared_expert_index", 6, "moe.shared_expert_index must be -1 to 5, found 6"},
           {"shared_expert_index", -2, "moe.shared_expert_index"},
           {"segment_window", 0, "moe.segment_window"},
           {"segment_capacity_factor", 0.0, "moe.segment_capacity_factor"},
           {"fusion", "sum",
            "moe.fusion must be \"fixed\" or \"normalized\" or \"scalar\" or \"channel\" or \"matrix\", found \"sum\""},
           {"fusion_token_weight", -0.1, "moe.fusion_token_weight"},
           {"balance", "none", "moe.balance must be \"all\" or \"routed\""},
           {"threshold_beta", 1.0, "moe.threshold_beta"},
           {"expert_capacity_factor", -1.0, "moe.expert_capacity_factor must be 0 to"},
           {"random_choice", "yes", "moe.random_choice must be \"on\" or \"off\", found \"yes\""},
           {"moe_intermediate_size", -1, "moe.moe_intermediate_size"},
           {"shared_expert_intermediate_size", std::int64_t{1} << 33, "moe.shared_expert_intermediate_size"}}) {
    Json json = small_mixture();
    json["moe"][field] = value;
    check_refused(json, message);
  }
  ModelConfig config = size_named("demo");
  config.moe = mixture_named("causal-multipl-moe");
  config.moe->fusion_token_weight = 0.0;
  CHECK(fault_in(config).has_value());
  config.moe->fusion_token_weight = std::nan("");
  CHECK(fault_in(config).has_value());
}

TEST_CASE("sizes that are valid alone and too large together are refused") {
  Json json = small();
  json["hidden_size"] = std::int64_t{1} << 24;
  check_refused(json, "hidden_size and the other sizes must give at most 1.8e+13 parameters, found 2.3e+15");
  json = small();
  json["intermediate_size"] = std::int64_t{1} << 24;
  CHECK_NOTHROW(parse_config(json.dump(), "config.json"));
  json["num_hidden_layers"] = 10'000;
  check_refused(json, "found 6.4e+13");
  json = small_mixture();
  json["moe"]["moe_intermediate_size"] = std::int64_t{1} << 24;
  CHECK_NOTHROW(parse_config(json.dump(), "config.json"));
  json["moe"]["num_token_experts"] = 4096;
  check_refused(json, "found 5.3e+13");
  json = small_mixture();
  json["moe"] = {{"architecture", "qwen1.5-moe"},
                 {"num_token_experts", 8},
                 {"shared_expert_intermediate_size", std::int64_t{1} << 24}};
  json["num_hidden_layers"] = 5000;
  check_refused(json, "found 3.2e+13");
  json = small_mixture();
  json["num_hidden_layers"] = 5000;
  json["moe"]["num_token_experts"] = 15;
  check_refused(json, "at most 100000 experts, found 5000 layers of 21");
  for (const char* name : {"lora", "mole"}) {
    ModelConfig config = size_named("demo");
    config.moe = mixture_named(name);
    config.num_hidden_layers = 10'000;
    config.moe->lora_rank = config.moe->shared_rank = (std::int64_t{1} << 23) / 8;
    CHECK(fault_in(config).has_value());
  }
}

TEST_CASE("adapters have ranks, scales and languages, and no experts") {
  for (const char* name : {"lora", "mole"}) {
    ModelConfig config = size_named("demo");
    config.moe = mixture_named(name);
    config.moe->lora_rank = 5;
    const ModelConfig again = parse_config(to_json_text(config), "config.json");
    CHECK(again.moe->architecture == name);
    CHECK((again.moe->lora_rank == 5) == (std::string(name) == "lora"));
    CHECK(again.moe->languages == config.moe->languages);
    const Json json = Json::parse(to_json_text(config));
    CHECK_FALSE(json["moe"].contains("num_token_experts"));
  }
  CHECK(mixture_named("mole")->languages == std::vector<std::string>{"python", "java", "cpp", "rust", "go", "ruby"});
  for (const auto& [field, value, message] : std::vector<std::tuple<std::string, Json, std::string>>{
           {"lora_rank", 0, "moe.lora_rank must be 1 to 8388608, found 0"},
           {"language_rank", -1, "moe.language_rank must be 1"},
           {"shared_rank", std::int64_t{1} << 62, "moe.shared_rank must be 1"},
           {"lora_alpha", 0.0, "moe.lora_alpha must be"},
           {"language_alpha", -1.0, "moe.language_alpha must be"},
           {"shared_alpha", "x", "moe.shared_alpha must be a number"},
           {"languages", "python", "moe.languages must be an array of strings, found \"python\""},
           {"languages", {"python", 3}, "moe.languages must be an array of strings"},
           {"languages", {"perl"}, "moe.languages must be \"python\" or \"java\""},
           {"languages", {"go", "python", "go"}, "moe.languages must name no language twice, found \"go\" again"}}) {
    ModelConfig config = size_named("demo");
    config.moe = mixture_named("mole");
    Json json = Json::parse(to_json_text(config));
    json["moe"][field] = value;
    check_refused(json, message);
  }
}

TEST_CASE("a configuration file is JSON of at most 1 MiB") {
  const ScratchFolder folder;
  put_bytes(folder / "config.json", small().dump() + std::string(std::size_t{1} << 20, ' '));
  CHECK_THROWS_WITH(read_config(folder / "config.json"), ContainsSubstring("at most 1048576 bytes"));
  const std::string text = small().dump();
  for (std::size_t size = 0; size < text.size(); ++size)
    CHECK_THROWS_AS(parse_config(text.substr(0, size), "c"), BadFile);
}

}  // namespace model_config_test
