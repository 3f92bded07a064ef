#include "multipl_moe/io/rotation_config.hpp"

#include <nlohmann/json.hpp>
#include <string>
#include <tuple>
#include <vector>

#include "multipl_moe/io/errors.hpp"
#include "support/catch.hpp"

namespace rotation_config_test {

using namespace multipl_moe;
using Catch::Matchers::ContainsSubstring;
using Json = nlohmann::json;

namespace {

double base_of(const std::string& text) {
  const Json json = Json::parse(text);
  const std::filesystem::path path = "config.json";
  return rotation_base(Fields(json, path, ""), 10000);
}

}  // namespace

TEST_CASE("a plain rotation is read in every spelling", "[config]") {
  for (const auto& [text, base] : std::vector<std::tuple<const char*, double>>{
           {"{}", 10000},
           {R"({"rope_theta": 5})", 5},
           {R"({"rope_scaling": null, "rope_parameters": null, "rope_theta": 5})", 5},
           {R"({"rope_scaling": {}, "rope_theta": 5})", 5},
           {R"({"rope_scaling": {"rope_type": "default"}})", 10000},
           {R"({"rope_scaling": {"type": "default"}, "rope_theta": 5})", 5},
           {R"({"rope_scaling": {"type": "default", "rope_type": "default", "rope_theta": 7}, "rope_theta": 5})", 7},
           {R"({"rope_parameters": {"rope_theta": 7}, "rope_theta": 5})", 7},
           {R"({"rope_parameters": {"rope_type": "linear", "factor": 1.0, "rope_theta": 7}})", 7},
           {R"({"rope_scaling": {"type": "linear", "factor": 1}, "rope_theta": 5})", 5},
           {R"({"rope_parameters": {"rope_type": "default", "partial_rotary_factor": 1.0}, "rope_theta": 5})", 5},
           {R"({"rope_parameters": {"full_attention": {"rope_type": "default", "rope_theta": 7}}})", 7},
           {R"({"rope_parameters": {"full_attention": {"type": "default"}, "sliding_attention": null},
                "rope_theta": 5})",
            5},
           {R"({"rope_parameters": {"full_attention": {"rope_theta": 7}, "rope_type": "default", "rope_theta": 7}})",
            7}}) {
    INFO(text);
    CHECK(base_of(text) == base);
  }
}

TEST_CASE("a rotation that stretches positions is refused by field and value, wherever it stands", "[config]") {
  for (const char* kind : {"linear", "dynamic", "yarn", "longrope", "llama3", "proportional", "axial", "mrope"})
    for (const char* field : {"type", "rope_type"})
      for (const char* object : {"rope_scaling", "rope_parameters"}) {
        const Json rotation{{field, kind}, {"factor", 4.0}, {"rope_theta", 1e6}};
        const std::string rule = std::string(field) + " must be \"default\", found \"" + kind + "\"";
        INFO(kind << " " << field << " " << object);
        CHECK_THROWS_WITH(base_of(Json{{object, rotation}}.dump()),
                          ContainsSubstring("[config.json] " + std::string(object) + "." + rule));
        CHECK_THROWS_WITH(base_of(Json{{object, {{"full_attention", rotation}}}}.dump()),
                          ContainsSubstring(std::string(object) + ".full_attention." + rule));
      }
  for (const auto& [text, message] : std::vector<std::tuple<const char*, const char*>>{
           {R"({"rope_parameters": {"rope_type": "default", "factor": 2.0}})", "rope_parameters.factor must be 1"},
           {R"({"rope_parameters": {"attention_factor": 0.5}})", "rope_parameters.attention_factor must be 1"},
           {R"({"rope_parameters": {"beta_fast": 32}})", "rope_parameters.beta_fast must be absent or null, found 32"},
           {R"({"rope_scaling": {"rope_type": "default", "mrope_section": [1, 1]}})", "mrope_section must be absent"},
           {R"({"rope_parameters": {"full_attention": {"low_freq_factor": 1}}})", "full_attention.low_freq_factor"},
           {R"({"partial_rotary_factor": 0.5})", "partial_rotary_factor must be 1, found 0.5"},
           {R"({"rope_parameters": {"rope_type": "default", "partial_rotary_factor": 0.5}})",
            "rope_parameters.partial_rotary_factor must be 1"},
           {R"({"rope_scaling": [1]})", "rope_scaling must be an object"},
           {R"({"rope_scaling": {"type": "default", "rope_type": "yarn"}})", "rope_scaling.rope_type must be"},
           {R"({"rope_scaling": {"type": "default"}, "rope_parameters": {"rope_theta": 3}})",
            "rope_parameters must be the base of rope_scaling, 10000, found 3"},
           {R"({"rope_parameters": {"full_attention": {"rope_theta": 3}, "sliding_attention": {"rope_theta": 4}}})",
            "sliding_attention must be the base of rope_parameters.full_attention, 3, found 4"}}) {
    INFO(text);
    CHECK_THROWS_WITH(base_of(text), ContainsSubstring(message));
  }
}

}  // namespace rotation_config_test
