#include "multipl_moe/io/mixture_settings.hpp"

#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "../support/stderr_capture.hpp"
#include "multipl_moe/train/run_settings.hpp"
#include "support/catch.hpp"

namespace mixture_settings_test {

using namespace multipl_moe;
using namespace multipl_moe::testing;
using Catch::Matchers::ContainsSubstring;
using Json = nlohmann::json;

namespace {

ModelConfig model_of(const std::string& architecture) {
  ModelConfig config = size_named("demo");
  config.moe = mixture_named(architecture, config.intermediate_size);
  return config;
}

std::set<std::string> keys_of(const ModelConfig& config) {
  std::set<std::string> keys;
  const Json json = Json::parse(to_json_text(config));
  for (const auto& [key, value] : json["moe"].items()) keys.insert(key);
  return keys;
}

/// config.json of a Mixtral as older versions wrote it, with the settings of all mixtures.
Json old_mixtral() {
  Json json = Json::parse(to_json_text(model_of("mixtral")));
  json["moe"] = {{"architecture", "mixtral"},
                 {"router", "shared-top-k"},
                 {"num_token_experts", 8},
                 {"num_segment_experts", 0},
                 {"num_experts_per_tok", 2},
                 {"shared_expert_index", -1},
                 {"segmenter", "fixed-window"},
                 {"segment_window", 64},
                 {"segment_minimum_window", 16},
                 {"segment_boundary_token", 10},
                 {"segment_expert_cap", 4},
                 {"segment_capacity_factor", 1.0},
                 {"fusion", "fixed"},
                 {"fusion_token_weight", 0.7},
                 {"fusion_segment_weight", 0.3},
                 {"balance", "all"},
                 {"threshold_beta", 0.98},
                 {"moe_intermediate_size", 0},
                 {"shared_expert_intermediate_size", 0}};
  return json;
}

}  // namespace

TEST_CASE("config.json of a mixture has the settings that have an effect in it, and no others", "[config]") {
  using Keys = std::set<std::string>;
  const Keys experts{"architecture", "num_token_experts", "num_experts_per_tok", "moe_intermediate_size"};
  const auto with = [](Keys keys, const Keys& more) {
    keys.insert(more.begin(), more.end());
    return keys;
  };
  const Keys tokens = with(experts, {"router", "shared_expert_index", "balance"});
  const Keys segments = with(tokens, {"num_segment_experts", "segmenter", "segment_window", "segment_capacity_factor",
                                      "fusion", "fusion_token_weight", "fusion_segment_weight"});
  const std::map<std::string, Keys> expected{
      {"multipl-moe", segments},
      {"causal-multipl-moe", with(segments, {"threshold_beta"})},
      {"multipl-moe-literal", segments},
      {"multipl-moe-released", with(segments, {"segment_expert_cap"})},
      {"multipl-moe-without-segments", tokens},
      {"gshard", with(experts, {"expert_capacity_factor", "random_choice"})},
      {"mixtral", experts},
      {"qwen1.5-moe", with(experts, {"shared_expert_intermediate_size"})},
      {"lora", {"architecture", "lora_rank", "lora_alpha"}},
      {"mole", {"architecture", "languages", "language_rank", "language_alpha", "shared_rank", "shared_alpha"}}};
  REQUIRE(expected.size() == mixture_names().size());
  for (const auto& [name, keys] : expected) {
    INFO(name);
    CHECK(keys_of(model_of(name)) == keys);
    CHECK(parse_config(to_json_text(model_of(name)), "c") == model_of(name));
  }
  ModelConfig config = model_of("causal-multipl-moe");
  config.moe->segmenter = "boundary-window";
  CHECK(keys_of(config) ==
        with(expected.at("causal-multipl-moe"), {"segment_minimum_window", "segment_boundary_token"}));
  config.moe->global_balance = true;
  CHECK(keys_of(config).count("global_balance") == 1);
  CHECK(parse_config(to_json_text(config), "c") == config);
  config.moe->router = "top-k";
  CHECK(keys_of(config).count("shared_expert_index") == 0);
  CHECK(keys_of(config).count("balance") == 0);
}

TEST_CASE("every setting has a unique key and a unique flag", "[config]") {
  std::set<std::string_view> keys, flags;
  for (const MixtureSetting* each : mixture_settings()) {
    const MixtureSetting& setting = *each;
    INFO(setting.key);
    CHECK(keys.insert(setting.key).second);
    CHECK((setting.flag.empty() || flags.insert(setting.flag).second));
    CHECK(setting.help.empty() == setting.flag.empty());
    // A setting on which another one depends is read before it.
    if (setting.need) CHECK(flags.contains(setting.need->flag));
  }
}

TEST_CASE("an older file with the settings of all mixtures loads as its own architecture", "[config]") {
  const StoredConfig stored = parse_stored_config(old_mixtral().dump(), "config.json");
  CHECK(stored.model == model_of("mixtral"));
  CHECK(stored.idle_settings.empty());

  Json changed = old_mixtral();
  changed["moe"]["segment_window"] = 8;
  changed["moe"]["fusion"] = "scalar";
  const StoredConfig other = parse_stored_config(changed.dump(), "config.json");
  CHECK(other.model == model_of("mixtral"));
  CHECK(other.idle_settings == std::vector<std::string>{"segment_window = 8", "fusion = scalar"});
  changed["moe"]["num_segment_experts"] = 6;
  changed["moe"]["norm_topk_prob"] = true;
  CHECK(parse_stored_config(changed.dump(), "config.json").model == model_of("mixtral"));
  CHECK(parse_stored_config(changed.dump(), "config.json").idle_settings.size() == 4);
  // Values that no architecture can have are still refused.
  changed["moe"]["num_segment_experts"] = std::int64_t{1} << 62;
  CHECK_THROWS_WITH(parse_stored_config(changed.dump(), "c"),
                    ContainsSubstring("moe.num_segment_experts must be 1 to"));

  const ScratchFolder folder;
  put_bytes(folder / "config.json", old_mixtral().dump());
  changed["moe"].erase("num_segment_experts");
  put_bytes(folder / "other.json", changed.dump());
  const StderrCapture capture;
  read_config(folder / "config.json");
  CHECK(capture.text().empty());
  read_config(folder / "other.json");
  read_config(folder / "other.json");
  const std::string said = capture.text();
  CHECK_THAT(said, ContainsSubstring("moe.segment_window = 8 has no effect in a mixtral"));
  CHECK(said.find("segment_window") == said.rfind("segment_window"));
}

TEST_CASE("a run that recorded the settings of all mixtures still counts as the same run", "[resume]") {
  const auto settings_of_moe = [](const Json& json) {
    RunSettings settings;
    for (const auto& [key, value] : json["moe"].items()) settings["model moe." + key] = value.dump();
    return settings;
  };
  const RunSettings old = settings_of_moe(old_mixtral());
  const RunSettings now = settings_of_moe(Json::parse(to_json_text(model_of("mixtral"))));
  CHECK(differences(old, now).empty());
  RunSettings other = now;
  other["model moe.num_experts_per_tok"] = "1";
  CHECK(differences(old, other) == "  model moe.num_experts_per_tok: 2, found 1\n");
  RunSettings gshard = now;
  gshard["model moe.architecture"] = "\"gshard\"";
  CHECK_THAT(differences(old, gshard), ContainsSubstring("model moe.architecture"));
}

TEST_CASE("a global balance differs from the local one of a run, on any number of processes", "[resume]") {
  const RunSettings local{{"model moe.architecture", "\"mixtral\""}};
  RunSettings global = local;
  global["model moe.global_balance"] = "true";
  CHECK(differences(local, global) == "  model moe.global_balance: nothing, found true\n");
  RunSettings other = global;
  other[balanced_processes] = "3";
  CHECK(differences(global, other).empty());
  CHECK(number_of_balanced_processes(other) == 3);
  CHECK_FALSE(number_of_balanced_processes(global).has_value());
}

TEST_CASE("errors of settings name the flags", "[config]") {
  ModelConfig config = model_of("causal-multipl-moe");
  config.moe->num_experts_per_tok = 9;
  CHECK(in_flags(*fault_in(config)) == "--experts-per-token must be 1 to 6, found 9");
  config = model_of("mole");
  config.moe->languages = {"perl"};
  CHECK_THAT(in_flags(*fault_in(config)), ContainsSubstring("--languages must be"));
}

}  // namespace mixture_settings_test
