/// Configurations with every field that a class of transformers has.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "multipl_moe/io/scratch.hpp"

namespace multipl_moe::testing {

/// Every field of transformers' class with its default value, and with small sizes.
inline nlohmann::json every_field(const std::string& model_type) {
  using Json = nlohmann::json;
  Json json = Json::parse(get_bytes(std::filesystem::path(MOE_GOLDEN_DIR) / "config_fields.json")).at(model_type);
  const Json small{{"hidden_size", 16},
                   {"intermediate_size", 12},
                   {"num_hidden_layers", 1},
                   {"num_attention_heads", 4},
                   {"num_key_value_heads", 2},
                   {"vocab_size", 9},
                   {"layer_types", Json::array({"full_attention"})}};
  for (const auto& [name, value] : small.items())
    if (json.contains(name)) json[name] = value;
  // If windows are enabled, some layer has one.
  if (model_type != "mixtral") json["sliding_window"] = 4;
  if (model_type == "qwen2" || model_type == "qwen3") json["max_window_layers"] = 0;
  return json;
}

/// A value that differs from the field's value and has an effect.
inline nlohmann::json another(const std::string& name, const nlohmann::json& value) {
  using Json = nlohmann::json;
  if (name == "hidden_act") return "gelu";
  if (name == "head_dim") return 6;
  if (name == "layer_types") return Json::array({"sliding_attention"});
  if (name == "mlp_only_layers") return Json::array({0});
  if (name == "num_experts_per_tok") return 1;
  if (name == "num_key_value_heads") return 4;
  if (name == "rope_parameters") return {{"rope_theta", 77.0}, {"rope_type", "default"}};
  if (value.is_boolean()) return !value.get<bool>();
  if (value.is_number_integer()) return 4 * value.get<std::int64_t>() + 4;
  if (value.is_number_float()) return value.get<double>() / 2 + 0.25;
  if (value.is_object()) return {{"a", 1}};
  if (value.is_array()) return Json::array({1});
  return "another";
}

}  // namespace multipl_moe::testing
