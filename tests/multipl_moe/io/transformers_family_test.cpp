#include "multipl_moe/io/transformers_family.hpp"

#include <algorithm>
#include <set>
#include <string>

#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/idle_fields.hpp"
#include "support/catch.hpp"
#include "transformers_fields.hpp"

namespace transformers_family_test {

using namespace multipl_moe;
using namespace multipl_moe::testing;
using Json = nlohmann::json;

namespace {

/// All fields of a family, with two layers, which may differ, and with windows that only need to be enabled.
Json fields_of(const std::string& family) {
  Json json = every_field(family);
  json["num_hidden_layers"] = 2;
  if (json.contains("layer_types")) json["layer_types"] = {"full_attention", "full_attention"};
  return json;
}

bool is_idle(const std::string& name) {
  const auto idle = idle_fields();
  return std::any_of(idle.begin(), idle.end(), [&](const IdleField& field) { return field.name == name; });
}

/// How a field that has an effect is treated: `read`, or `one value` if every other value is refused.
std::string treatment(const std::string& family, const std::string& name) {
  Json json = fields_of(family);
  if (!json.contains(name)) return "";
  if (name == "layer_types" || name == "sliding_window" || name == "max_window_layers") {
    json["use_sliding_window"] = family != "mixtral";
    if (name != "layer_types") json.erase("layer_types");
  }
  const ModelConfig usual = parse_config(json.dump(), "c");
  json[name] = name == "layer_types"         ? Json({"sliding_attention", "full_attention"})
               : name == "max_window_layers" ? Json(json[name] == 0 ? 1 : 0)
               : name == "sliding_window"    ? Json(7)
                                             : another(name, json[name]);
  if (name == "use_sliding_window") json.erase("layer_types");
  // Two names of one size, of which a class writes one.
  if (name.ends_with("_experts")) json[name] = 9;
  for (const char* other : {"num_experts", "num_local_experts"})
    if (name.ends_with("_experts") && json.contains(other)) json[other] = json[name];
  try {
    const StoredConfig stored = parse_stored_config(json.dump(), "c");
    INFO(family << " " << name);
    CHECK(stored.model != usual);
    return "read";
  } catch (const BadFile& error) {
    INFO(family << " " << name << ": " << error.what());
    // A size may be refused because it does not fit other sizes.
    CHECK((json[name].is_number() || std::string(error.what()).find(name) != std::string::npos));
    return json[name].is_number() ? "read" : "one value";
  }
}

std::string table() {
  std::set<std::string> names;
  std::string text = "| field |", rule = "|---|";
  for (const TransformersFamily* family : transformers_families()) {
    text += " `" + std::string(family->model_type) + "` |";
    rule += "---|";
    const Json fields = fields_of(std::string(family->model_type));
    for (const auto& [name, value] : fields.items())
      if (!is_idle(name) && name != "model_type") names.insert(name);
  }
  text += "\n" + rule + "\n";
  for (const std::string& name : names) {
    text += "| `" + name + "` |";
    for (const TransformersFamily* family : transformers_families()) {
      const std::string cell = treatment(std::string(family->model_type), name);
      text += cell.empty() ? " |" : " " + cell + " |";
    }
    text += "\n";
  }
  return text;
}

}  // namespace

TEST_CASE("docs/08_from_qwen.md states how every field of every class of transformers is treated", "[config]") {
  const std::string expected = table();
  const std::string page = get_bytes(std::filesystem::path(MOE_DOCS_DIR) / "08_from_qwen.md");
  INFO("the page must hold this table:\n" << expected);
  CHECK(page.find(expected) != std::string::npos);
}

TEST_CASE("each class has a unique name and a unique type, and holds the models that it reads", "[config]") {
  std::set<std::string_view> types, classes;
  for (const TransformersFamily* family : transformers_families()) {
    INFO(family->model_type);
    CHECK(types.insert(family->model_type).second);
    CHECK(classes.insert(family->class_name).second);
    CHECK(find_family(family->model_type) == family);
    const ModelConfig model = parse_config(fields_of(std::string(family->model_type)).dump(), "c");
    CHECK(family->holds(model));
  }
  CHECK(find_family("llama") == nullptr);
  CHECK(find_family("multipl_moe") == nullptr);
}

}  // namespace transformers_family_test
