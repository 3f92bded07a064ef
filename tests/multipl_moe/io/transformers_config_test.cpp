#include "multipl_moe/io/transformers_config.hpp"

#include <nlohmann/json.hpp>
#include <tuple>
#include <vector>

#include "multipl_moe/io/errors.hpp"
#include "support/catch.hpp"

namespace transformers_config_test {

using namespace multipl_moe;
using Catch::Matchers::ContainsSubstring;
using Json = nlohmann::json;

namespace {

/// A configuration as transformers writes it, without the fields that are ignored.
Json qwen2_moe() {
  return {{"model_type", "qwen2_moe"},
          {"hidden_size", 32},
          {"intermediate_size", 44},
          {"num_hidden_layers", 2},
          {"num_attention_heads", 4},
          {"num_key_value_heads", 2},
          {"vocab_size", 53},
          {"rms_norm_eps", 1e-6},
          {"rope_parameters", {{"rope_theta", 1e6}, {"rope_type", "default"}}},
          {"num_experts", 7},
          {"num_experts_per_tok", 3},
          {"moe_intermediate_size", 11},
          {"shared_expert_intermediate_size", 13},
          {"norm_topk_prob", false},
          {"decoder_sparse_step", 1},
          {"mlp_only_layers", Json::array()}};
}

Json mixtral() {
  return {{"model_type", "mixtral"},  {"hidden_size", 32},        {"intermediate_size", 44}, {"num_hidden_layers", 2},
          {"num_attention_heads", 4}, {"num_key_value_heads", 2}, {"vocab_size", 53},        {"num_local_experts", 5},
          {"num_experts_per_tok", 2}, {"sliding_window", nullptr}};
}

void check_refused(Json json, const std::string& field, const Json& value, const std::string& message) {
  json[field] = value;
  INFO(json.dump());
  try {
    parse_config(json.dump(), "config.json");
    FAIL_CHECK("was accepted");
  } catch (const BadFile& error) {
    CHECK_THAT(error.what(), ContainsSubstring("config.json") && ContainsSubstring(message));
  }
}

ModelConfig small(const char* architecture, bool has_biases) {
  ModelConfig config = size_named("demo");
  config.moe = mixture_named(architecture, config.intermediate_size);
  config.attention_bias = has_biases;
  return config;
}

}  // namespace

TEST_CASE("a Qwen2-MoE is read as the architecture qwen1.5-moe") {
  const ModelConfig config = parse_config(qwen2_moe().dump(), "c");
  CHECK(config.architecture() == "qwen1.5-moe");
  CHECK(config.attention_bias);
  CHECK(config.moe->num_token_experts == 7);
  CHECK(config.moe->num_experts_per_tok == 3);
  CHECK(config.expert_width() == 11);
  CHECK(config.moe->shared_expert_intermediate_size == 13);
  CHECK(config.rope_theta == 1e6);
  Json json = qwen2_moe();
  json["qkv_bias"] = false;
  CHECK_FALSE(parse_config(json.dump(), "c").attention_bias);
  for (const char* field : {"num_experts", "num_experts_per_tok", "moe_intermediate_size",
                            "shared_expert_intermediate_size", "norm_topk_prob", "decoder_sparse_step"})
    json.erase(field);
  const ModelConfig published = parse_config(json.dump(), "c");
  CHECK(published.moe->num_token_experts == 60);
  CHECK(published.moe->num_experts_per_tok == 4);
  CHECK(published.expert_width() == 1408);
  CHECK(published.moe->shared_expert_intermediate_size == 5632);
}

TEST_CASE("a Mixtral has no biases, and its own defaults") {
  const ModelConfig config = parse_config(mixtral().dump(), "c");
  CHECK(config.architecture() == "mixtral");
  CHECK_FALSE(config.attention_bias);
  CHECK(config.moe->num_token_experts == 5);
  CHECK(config.moe->num_experts_per_tok == 2);
  CHECK(config.expert_width() == 44);
  CHECK(config.rms_norm_eps == 1e-5);
  CHECK(config.rope_theta == 1e6);
}

TEST_CASE("unsupported settings of Qwen2-MoE and Mixtral are refused") {
  check_refused(qwen2_moe(), "norm_topk_prob", "yes", "norm_topk_prob must be true or false");
  check_refused(qwen2_moe(), "shared_expert_intermediate_size", -1, "moe.shared_expert_intermediate_size must be");
  check_refused(qwen2_moe(), "decoder_sparse_step", 0, "decoder_sparse_step must be at least 1, found 0");
  check_refused(qwen2_moe(), "decoder_sparse_step", 3, "must leave a layer with experts, found 3 and 0 of 2");
  check_refused(qwen2_moe(), "mlp_only_layers", Json::array({0, 1}), "must leave a layer with experts, found 1 and 2");
  check_refused(qwen2_moe(), "mlp_only_layers", Json::array({2}), "mlp_only_layers must be layers 0 to 1, found 2");
  check_refused(qwen2_moe(), "mlp_only_layers", "none", "mlp_only_layers must be an integer");
  check_refused(qwen2_moe(), "num_experts", 0, "num_token_experts must be 1");
  check_refused(qwen2_moe(), "num_experts_per_tok", 8, "num_experts_per_tok must be 1 to 7");
  check_refused(qwen2_moe(), "qkv_bias", 1, "qkv_bias must be true or false");
  check_refused(mixtral(), "num_local_experts", std::int64_t{1} << 40, "num_token_experts must be");
  check_refused(mixtral(), "head_dim", 15, "head_dim must be even");
}

TEST_CASE("a Qwen2-MoE with a shared expert may normalize its gates") {
  Json json = qwen2_moe();
  CHECK_FALSE(parse_config(json.dump(), "c").moe->norm_topk_prob);
  json["norm_topk_prob"] = true;
  const ModelConfig config = parse_config(json.dump(), "c");
  CHECK(config.architecture() == "qwen1.5-moe");
  CHECK(config.moe->norm_topk_prob);
  CHECK(config.moe->shared_expert_intermediate_size == 13);
  CHECK(parse_config(to_json_text(config), "c") == config);
  const std::string exported = to_transformers_json_text(config, "float32", {});
  CHECK(Json::parse(exported)["norm_topk_prob"] == true);
  CHECK(parse_config(exported, "c") == config);
  // Without a shared expert that is a Mixtral.
  json["shared_expert_intermediate_size"] = 0;
  CHECK(parse_config(json.dump(), "c").architecture() == "mixtral");
  CHECK_FALSE(parse_config(json.dump(), "c").moe->norm_topk_prob);
}

TEST_CASE("the number of a Mixtral's experts has two names in transformers") {
  Json json = mixtral();
  json["num_experts"] = 5;
  CHECK(parse_config(json.dump(), "c").moe->num_token_experts == 5);
  json.erase("num_local_experts");
  json["num_experts"] = 3;
  CHECK(parse_config(json.dump(), "c").moe->num_token_experts == 3);
  check_refused(mixtral(), "num_experts", 3, "num_experts must be num_local_experts, 5, found 3");
}

TEST_CASE("windows, head_dim and scaled rotary embeddings are exported to transformers and read back equal") {
  for (const auto& [architecture, has_biases, windows, type] :
       std::vector<std::tuple<const char*, bool, std::vector<std::int64_t>, const char*>>{
           {"dense", true, {0, 40}, "qwen2"},
           {"dense", true, {40, 0}, "qwen2"},
           {"qwen1.5-moe", false, {40, 0}, "qwen2_moe"},
           {"mixtral", false, {40, 40}, "mixtral"},
           // A Mixtral of transformers has the same window in all layers.
           {"mixtral", false, {0, 40}, "qwen2_moe"}}) {
    INFO(architecture << " " << type);
    ModelConfig config = small(architecture, has_biases);
    config.attention_head_dim = 10;
    config.windows = windows;
    config.rope_scaling = {
        .type = RotaryScaling::Type::yarn, .factor = 2, .original_positions = 300, .attention_factor = 1.125};
    if (config.moe && std::string(type) == "qwen2_moe" && !config.moe->moe_intermediate_size)
      config.moe->moe_intermediate_size = config.intermediate_size;
    const std::string text = to_transformers_json_text(config, "float32", {});
    const Json json = Json::parse(text);
    CHECK(json["model_type"] == type);
    CHECK(json["head_dim"] == 10);
    CHECK(json["sliding_window"] == 40);
    CHECK(json["rope_parameters"]["rope_theta"] == config.rope_theta);
    CHECK(json["rope_scaling"]["rope_type"] == "yarn");
    CHECK(parse_config(text, "c") == config);
  }
}

TEST_CASE("settings that only training does not support stay in the configuration and end training") {
  Json json = mixtral();
  json["attention_dropout"] = 0.5;
  json["router_jitter_noise"] = 0.1;
  json["initializer_range"] = 0.5;
  const ModelConfig config = parse_config(json.dump(), "c");
  CHECK(config.attention_dropout == 0.5);
  CHECK(config.router_jitter_noise == 0.1);
  CHECK(config.initializer_range == 0.5);
  CHECK(parse_config(to_json_text(config), "c") == config);
  CHECK(parse_config(to_transformers_json_text(config, "float32", {}), "c") == config);
  CHECK_THROWS_WITH(
      require_trainable(config, "m/config.json"),
      ContainsSubstring("[m/config.json] attention_dropout must be 0 in training") && ContainsSubstring("found 0.5"));
  json["attention_dropout"] = 0;
  CHECK_THROWS_WITH(require_trainable(parse_config(json.dump(), "c"), "c"),
                    ContainsSubstring("router_jitter_noise must be 0 in training") && ContainsSubstring("found 0.1"));
  json["router_jitter_noise"] = 0.0;
  CHECK_NOTHROW(require_trainable(parse_config(json.dump(), "c"), "c"));
  check_refused(mixtral(), "attention_dropout", 1.5, "attention_dropout must be 0 to 1, found 1.5");
  check_refused(mixtral(), "attention_dropout", "some", "attention_dropout must be a number");
}

TEST_CASE("an exported configuration reads back equal") {
  for (const auto& [architecture, has_biases, type] :
       std::vector<std::tuple<const char*, bool, const char*>>{{"dense", true, "qwen2"},
                                                               {"qwen1.5-moe", true, "qwen2_moe"},
                                                               {"qwen1.5-moe", false, "qwen2_moe"},
                                                               {"mixtral", false, "mixtral"},
                                                               {"mixtral", true, "qwen2_moe"}}) {
    INFO(architecture << " " << has_biases);
    ModelConfig config = small(architecture, has_biases);
    if (config.moe && !config.moe->moe_intermediate_size && has_biases)
      config.moe->moe_intermediate_size = config.intermediate_size;
    const std::string text = to_transformers_json_text(config, "bfloat16", {.eos_token_id = {7}});
    const Json json = Json::parse(text);
    CHECK(json["model_type"] == type);
    CHECK(json["torch_dtype"] == "bfloat16");
    CHECK(json["eos_token_id"] == 7);
    CHECK(json["bos_token_id"] == nullptr);
    CHECK(parse_config(text, "c") == config);
  }
  CHECK(export_family(small("gshard", true)).model_type == "qwen2_moe");
  CHECK(export_family(small("gshard", false)).model_type == "mixtral");
  CHECK(parse_stored_config(to_transformers_json_text(small("mixtral", true), "float32", {}), "c")
            .has_empty_shared_expert);
}

TEST_CASE("layers with a dense FFN are read from both fields of transformers and kept") {
  Json json = qwen2_moe();
  json["num_hidden_layers"] = 6;
  CHECK(parse_config(json.dump(), "c").dense_layers.empty());
  json["decoder_sparse_step"] = 2;
  CHECK(parse_config(json.dump(), "c").dense_layers == std::vector<std::int64_t>{0, 2, 4});
  json["mlp_only_layers"] = {5, 0};
  const ModelConfig config = parse_config(json.dump(), "c");
  CHECK(config.dense_layers == std::vector<std::int64_t>{0, 2, 4, 5});
  CHECK(config.is_dense_layer(5));
  CHECK_FALSE(config.is_dense_layer(1));
  CHECK(parse_config(to_json_text(config), "c") == config);
  const std::string exported = to_transformers_json_text(config, "float32", {});
  CHECK(Json::parse(exported)["mlp_only_layers"] == Json({0, 2, 4, 5}));
  CHECK(Json::parse(exported)["decoder_sparse_step"] == 1);
  CHECK(parse_config(exported, "c") == config);
}

TEST_CASE("without a shared expert gates are a softmax over all experts, or sum to 1 as in a Mixtral") {
  Json json = qwen2_moe();
  json["shared_expert_intermediate_size"] = 0;
  const ModelConfig raw = parse_config(json.dump(), "c");
  CHECK(raw.architecture() == "qwen1.5-moe");
  CHECK(raw.moe->shared_expert_intermediate_size == 0);
  CHECK(parse_config(to_json_text(raw), "c") == raw);
  CHECK(parse_config(to_transformers_json_text(raw, "float32", {}), "c") == raw);
  json["norm_topk_prob"] = true;
  CHECK(parse_config(json.dump(), "c").architecture() == "mixtral");
}

TEST_CASE("an exported Mixtral states head_dim") {
  // Its class computes rotary embeddings of the types yarn and dynamic from this field only.
  const Json json = Json::parse(to_transformers_json_text(small("mixtral", false), "float32", {}));
  CHECK(json["head_dim"] == 32);
}

TEST_CASE("fields that a file omits have the defaults of its class") {
  for (const auto& [type, heads] : std::vector<std::pair<const char*, std::int64_t>>{
           {"qwen2", 32}, {"qwen2_moe", 16}, {"mixtral", 8}, {"qwen3", 32}, {"qwen3_moe", 4}}) {
    INFO(type);
    Json json{{"model_type", type},     {"hidden_size", 128},        {"intermediate_size", 96},
              {"num_hidden_layers", 2}, {"num_attention_heads", 64}, {"vocab_size", 50},
              {"head_dim", 4}};
    CHECK(parse_config(json.dump(), "c").num_key_value_heads == heads);
    json["num_key_value_heads"] = nullptr;
    CHECK(parse_config(json.dump(), "c").num_key_value_heads == 64);
  }
}

TEST_CASE("fields of another class are not used") {
  check_refused(qwen2_moe(), "moe_intermediate_size", 0, "moe_intermediate_size must be at least 1, found 0");
  check_refused(qwen2_moe(), "attention_bias", false, "attention_bias must be true, found false");
  check_refused(mixtral(), "attention_bias", true, "attention_bias must be false, found true");
  Json json = qwen2_moe();
  json["num_local_experts"] = 3;
  const StoredConfig stored = parse_stored_config(json.dump(), "c");
  CHECK(stored.model.moe->num_token_experts == 7);
  CHECK(stored.unknown_fields == std::vector<std::string>{"num_local_experts"});
  // A mixture of multipl_moe may be in a file of another type, and all its fields are read.
  Json ours = Json::parse(to_json_text(small("mixtral", true)));
  ours["model_type"] = "qwen2";
  ours["dense_layers"] = {0};
  CHECK(parse_config(ours.dump(), "c").dense_layers == std::vector<std::int64_t>{0});
}

TEST_CASE("a Qwen3 has QK norms, heads of 128 channels by default, and no biases") {
  Json json{{"model_type", "qwen3"},    {"hidden_size", 64},        {"intermediate_size", 96}, {"num_hidden_layers", 2},
            {"num_attention_heads", 4}, {"num_key_value_heads", 2}, {"vocab_size", 50}};
  ModelConfig config = parse_config(json.dump(), "c");
  CHECK(config.architecture() == "dense");
  CHECK(config.qk_norm);
  CHECK_FALSE(config.attention_bias);
  CHECK(config.head_dim() == 128);
  CHECK(Json::parse(to_json_text(config))["model_type"] == "qwen3");
  CHECK(parse_config(to_json_text(config), "c") == config);
  CHECK(parse_config(to_transformers_json_text(config, "float32", {}), "c") == config);
  // 16 follows from the sizes; without the field it would be 128.
  json["head_dim"] = 16;
  config = parse_config(json.dump(), "c");
  CHECK(config.head_dim() == 16);
  CHECK(parse_config(to_json_text(config), "c") == config);
  check_refused(json, "attention_bias", true, "attention_bias must be false, found true");

  for (const std::string& name : mixture_names()) {
    INFO(name);
    ModelConfig mixture = config;
    mixture.moe = mixture_named(name, config.intermediate_size);
    CHECK(parse_config(to_json_text(mixture), "c") == mixture);
    if (name == "mixtral" || name == "gshard") {
      CHECK(export_family(mixture).model_type == "qwen3_moe");
      CHECK(parse_config(to_transformers_json_text(mixture, "float32", {}), "c").moe->num_experts_per_tok ==
            mixture.moe->num_experts_per_tok);
    } else if (name == "qwen1.5-moe") {
      CHECK_THROWS_WITH(export_family(mixture), ContainsSubstring("no shared expert"));
    } else {
      CHECK_THROWS_WITH(export_family(mixture), ContainsSubstring(name == "lora" ? "`merge`" : "no such layer"));
    }
  }
}

TEST_CASE("a Qwen3-MoE is a Mixtral with Qwen3's attention, or has gates that are a softmax over all") {
  Json json{{"model_type", "qwen3_moe"}, {"hidden_size", 64},
            {"intermediate_size", 96},   {"num_hidden_layers", 2},
            {"num_attention_heads", 4},  {"num_key_value_heads", 2},
            {"vocab_size", 50},          {"head_dim", 32},
            {"norm_topk_prob", true},    {"mlp_only_layers", Json::array({0})}};
  const ModelConfig config = parse_config(json.dump(), "c");
  CHECK(config.architecture() == "mixtral");
  CHECK(config.moe->num_token_experts == 128);
  CHECK(config.moe->num_experts_per_tok == 8);
  CHECK(config.expert_width() == 768);
  CHECK(config.qk_norm);
  CHECK(config.head_dim() == 32);
  CHECK(config.dense_layers == std::vector<std::int64_t>{0});
  CHECK(export_family(config).model_type == "qwen3_moe");
  CHECK(parse_config(to_transformers_json_text(config, "float32", {}), "c") == config);
  json["norm_topk_prob"] = false;
  CHECK(parse_config(json.dump(), "c").architecture() == "qwen1.5-moe");
  ModelConfig windows = config;
  windows.windows = {8, 0};
  CHECK_THROWS_WITH(export_family(windows), ContainsSubstring("one window for all layers"));
}

TEST_CASE("the export of an architecture that transformers does not have is refused with a reason") {
  for (const char* architecture : {"multipl-moe", "causal-multipl-moe", "mole", "multipl-moe-without-segments"})
    CHECK_THROWS_WITH(export_family(small(architecture, true)),
                      ContainsSubstring("dense, qwen1.5-moe, mixtral and gshard models can be exported") &&
                          ContainsSubstring(architecture));
  CHECK_THROWS_WITH(export_family(small("lora", true)), ContainsSubstring("`merge`"));
  CHECK_THROWS_WITH(export_family(small("dense", false)), ContainsSubstring("Qwen2 always has biases"));
}

}  // namespace transformers_config_test
