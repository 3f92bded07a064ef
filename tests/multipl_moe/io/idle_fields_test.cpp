#include "multipl_moe/io/idle_fields.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/model_config.hpp"
#include "multipl_moe/io/scratch.hpp"
#include "support/catch.hpp"
#include "transformers_fields.hpp"

namespace idle_fields_test {

using namespace multipl_moe;
using namespace multipl_moe::testing;
using Catch::Matchers::ContainsSubstring;
using Json = nlohmann::json;

namespace {

bool is_idle(const std::string& name) {
  const auto fields = idle_fields();
  return std::any_of(fields.begin(), fields.end(), [&](const IdleField& field) { return field.name == name; });
}

/// Whether another value of the field is refused by name or gives another model.
bool has_effect(Json json, const std::string& name, const ModelConfig& usual) {
  json[name] = another(name, json[name]);
  if (name == "use_sliding_window") json.erase("layer_types");
  try {
    const StoredConfig stored = parse_stored_config(json.dump(), "c");
    return stored.model != usual;
  } catch (const BadFile& error) {
    // Sizes may be refused because they do not fit other sizes.
    return std::string(error.what()).find(name) != std::string::npos || json[name].is_number();
  }
}

}  // namespace

TEST_CASE("every field of transformers' classes is read, refused, or listed as a field without effect", "[config]") {
  const std::string model_type = GENERATE(as<std::string>{}, "qwen2", "qwen2_moe", "mixtral", "qwen3", "qwen3_moe");
  const Json json = every_field(model_type);
  REQUIRE(json.size() > 30);
  const StoredConfig usual = parse_stored_config(json.dump(), "c");
  CHECK(usual.unknown_fields.empty());
  for (const auto& [name, value] : json.items()) {
    INFO(model_type << " " << name);
    // Windows are off; Qwen2's fields of their sizes are read only if windows are on.
    const bool is_off = (name == "sliding_window" || name == "max_window_layers") && model_type != "mixtral";
    if (is_off) continue;
    CHECK(is_idle(name) != has_effect(json, name, usual.model));
  }
}

TEST_CASE("a field that would change the model may have only its neutral value", "[config]") {
  for (const char* type : {"qwen2", "qwen2_moe", "mixtral", "qwen3", "qwen3_moe", "multipl_moe"})
    for (const NeutralField& field : neutral_fields()) {
      Json json = every_field(std::string(type) == "multipl_moe" ? "qwen2" : type);
      json["model_type"] = type;
      INFO(type << " " << field.name);
      json[std::string(field.name)] = Json::parse(field.value);
      CHECK(parse_stored_config(json.dump(), "c").unknown_fields.empty());
      json[std::string(field.name)] = Json::array({7});
      CHECK_THROWS_WITH(parse_config(json.dump(), "config.json"),
                        ContainsSubstring("config.json") && ContainsSubstring(std::string(field.name) + " must be"));
    }
  Json json = every_field("qwen2");
  json["is_causal"] = false;
  CHECK_THROWS_WITH(parse_config(json.dump(), "c"), ContainsSubstring("is_causal must be true, found false"));
}

TEST_CASE("unknown fields are reported, and settings of generation if they have an effect", "[config]") {
  Json json = every_field("qwen2");
  json["zeta"] = 1;
  json["alpha"] = Json::object();
  json["nothing"] = nullptr;
  json["num_beams"] = 1;
  json["top_k"] = 50;
  CHECK(parse_stored_config(json.dump(), "c").unknown_fields == std::vector<std::string>{"alpha", "zeta"});
  json["num_beams"] = 4;
  json["qkv_bias"] = false;  // Qwen2-MoE's
  CHECK(parse_stored_config(json.dump(), "c").unknown_fields ==
        std::vector<std::string>{"alpha", "num_beams", "qkv_bias", "zeta"});
}

TEST_CASE("docs/08_from_qwen.md lists the fields without effect", "[config]") {
  const std::string page = get_bytes(std::filesystem::path(MOE_DOCS_DIR) / "08_from_qwen.md");
  for (const IdleField& field : idle_fields()) CHECK_THAT(page, ContainsSubstring("`" + std::string(field.name) + "`"));
  for (const NeutralField& field : neutral_fields())
    CHECK_THAT(page, ContainsSubstring("`" + std::string(field.name) + "`"));
}

}  // namespace idle_fields_test
