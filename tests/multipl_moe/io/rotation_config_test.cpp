#include "multipl_moe/io/rotation_config.hpp"

#include <cmath>
#include <nlohmann/json.hpp>
#include <string>
#include <tuple>
#include <vector>

#include "multipl_moe/io/errors.hpp"
#include "support/catch.hpp"

namespace rotation_config_test {

using namespace multipl_moe;
using Catch::Approx;
using Catch::Matchers::ContainsSubstring;
using Json = nlohmann::json;
using Type = RotaryScaling::Type;

namespace {

constexpr std::int64_t positions = 2048;

Rotation rotation_in(const std::string& text) {
  const Json json = Json::parse(text);
  const std::filesystem::path path = "config.json";
  return rotation_of(Fields(json, path, ""), 10000, positions, /*has_layer_types=*/true);
}

RotaryScaling scaling_in(const std::string& object) {
  return rotation_in(R"({"rope_scaling": )" + object + "}").scaling;
}

}  // namespace

TEST_CASE("a plain rotary embedding is read from every spelling", "[config]") {
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
    CHECK(rotation_in(text) == Rotation{base, {}});
  }
}

TEST_CASE("scaled rotary embeddings are read with transformers' defaults for missing fields", "[config]") {
  CHECK(scaling_in(R"({"type": "linear", "factor": 4})") == RotaryScaling{.type = Type::linear, .factor = 4});
  CHECK(scaling_in(R"({"rope_type": "dynamic", "factor": 2, "original_max_position_embeddings": 5})") ==
        RotaryScaling{.type = Type::dynamic, .factor = 2, .original_positions = positions});
  CHECK(scaling_in(R"({"rope_type": "llama3", "factor": 8, "low_freq_factor": 1, "high_freq_factor": 4,
                       "original_max_position_embeddings": 8192})") ==
        RotaryScaling{.type = Type::llama3, .factor = 8, .original_positions = 8192});

  RotaryScaling yarn = scaling_in(R"({"type": "yarn", "factor": 4})");
  CHECK(yarn.original_positions == positions);
  CHECK(yarn.attention_factor == Approx(0.1 * std::log(4.0) + 1));
  CHECK(yarn.beta_fast == 32);
  CHECK(yarn.beta_slow == 1);
  CHECK(yarn.truncate);
  yarn = scaling_in(R"({"type": "yarn", "factor": 4, "mscale": 2, "mscale_all_dim": 0.5, "beta_fast": 0,
                        "original_max_position_embeddings": 32768, "beta_slow": 2, "truncate": false})");
  CHECK(yarn.original_positions == 32768);
  CHECK(yarn.attention_factor == Approx((0.2 * std::log(4.0) + 1) / (0.05 * std::log(4.0) + 1)));
  CHECK(yarn.beta_fast == 32);
  CHECK(yarn.beta_slow == 2);
  CHECK_FALSE(yarn.truncate);
  CHECK(scaling_in(R"({"type": "yarn", "factor": 4, "attention_factor": 1.5, "mscale": 2, "mscale_all_dim": 1})")
            .attention_factor == 1.5);
  CHECK(rotation_in(R"({"original_max_position_embeddings": 77, "rope_scaling": {"type": "yarn", "factor": 4}})")
            .scaling.original_positions == 77);
}

TEST_CASE("a scaled rotary embedding is equal after writing and reading, in either object", "[config]") {
  for (const RotaryScaling& scaling :
       {RotaryScaling{.type = Type::linear, .factor = 3},
        RotaryScaling{.type = Type::dynamic, .factor = 3, .original_positions = positions},
        RotaryScaling{.type = Type::yarn,
        .factor = 3,
        .original_positions = 9,
        .attention_factor = 0.75,
        .beta_fast = 9,
        .beta_slow = 3,
        .truncate = false},
        RotaryScaling{
            .type = Type::llama3, .factor = 3, .original_positions = 9, .low_freq_factor = 2, .high_freq_factor = 5}}) {
    const std::string object = rope_scaling_json(scaling).dump();
    INFO(object);
    CHECK(scaling_in(object) == scaling);
    CHECK(rotation_in(R"({"rope_parameters": )" + object + R"(, "rope_theta": 5})") == Rotation{5, scaling});
    CHECK(rotation_in(R"({"rope_parameters": {"full_attention": )" + object + "}}").scaling == scaling);
    CHECK(rotation_in(R"({"rope_parameters": )" + object + R"(, "rope_scaling": )" + object + "}").scaling == scaling);
  }
  CHECK(rope_scaling_json({}).is_null());
}

TEST_CASE("null has the same meaning as in transformers", "[config]") {
  CHECK_FALSE(scaling_in(R"({"type": "yarn", "factor": 4, "truncate": null})").truncate);
  const RotaryScaling ratio =
      scaling_in(R"({"type": "yarn", "factor": null, "original_max_position_embeddings": 512, "beta_fast": null})");
  CHECK(ratio.factor == 4);
  CHECK(ratio.attention_factor == Approx(0.1 * std::log(4.0) + 1));
  CHECK(ratio.beta_fast == 32);
}

TEST_CASE("a model type without layer types has no rotary embedding per layer type", "[config]") {
  const Json json{{"model_type", "mixtral"},
                  {"rope_parameters", {{"full_attention", {{"rope_type", "linear"}, {"factor", 4}}}}}};
  const std::filesystem::path path = "config.json";
  CHECK_THROWS_WITH(rotation_of(Fields(json, path, ""), 10000, positions, false),
                    ContainsSubstring("rope_parameters.full_attention must be absent: a mixtral has no layer types"));
  CHECK(rotation_of(Fields(json, path, ""), 10000, positions, true).scaling.factor == 4);
}

TEST_CASE("an unsupported rotary embedding is refused by field and value, in any object", "[config]") {
  for (const char* kind : {"longrope", "proportional", "axial", "mrope"})
    for (const char* field : {"type", "rope_type"})
      for (const char* object : {"rope_scaling", "rope_parameters"}) {
        const Json rotation{{field, kind}, {"factor", 4.0}, {"rope_theta", 1e6}};
        const std::string rule =
            std::string(field) +
            " must be \"default\" or \"linear\" or \"dynamic\" or \"yarn\" or \"llama3\", found \"" + kind + "\"";
        INFO(kind << " " << field << " " << object);
        CHECK_THROWS_WITH(rotation_in(Json{{object, rotation}}.dump()),
                          ContainsSubstring("[config.json] " + std::string(object) + "." + rule));
        CHECK_THROWS_WITH(rotation_in(Json{{object, {{"full_attention", rotation}}}}.dump()),
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
           {R"({"rope_scaling": {"type": "default", "rope_type": "yarn", "factor": 2}})",
            "rope_scaling.type must be \"yarn\", found \"default\""},
           {R"({"rope_scaling": {"type": "linear"}})", "rope_scaling.factor is missing"},
           {R"({"rope_scaling": {"type": "yarn"}})", "rope_scaling.factor is missing"},
           {R"({"rope_scaling": {"type": "linear", "factor": "2"}})", "rope_scaling.factor must be a number"},
           {R"({"rope_scaling": {"type": "linear", "factor": 0}})", "rope_scaling.factor must be 1e-06 to 1000000"},
           {R"({"rope_parameters": {"rope_type": "yarn", "factor": -1}})", "rope_parameters.factor must be 1e-06 to"},
           {R"({"rope_scaling": {"type": "linear", "factor": 2, "beta_slow": 2}})", "beta_slow must be absent or null"},
           {R"({"rope_scaling": {"type": "dynamic", "factor": 2, "attention_factor": 2}})",
            "attention_factor must be 1"},
           {R"({"rope_scaling": {"type": "llama3", "factor": 2, "high_freq_factor": 2}})",
            "rope_scaling.low_freq_factor is missing"},
           {R"({"rope_scaling": {"type": "llama3", "factor": 2, "high_freq_factor": 2, "low_freq_factor": 2}})",
            "rope_scaling.high_freq_factor must be above low_freq_factor, 2, found 2"},
           {R"({"rope_scaling": {"type": "yarn", "factor": 2, "beta_fast": 1, "beta_slow": 2}})",
            "rope_scaling.beta_fast must be 2 to 1000000, found 1"},
           {R"({"rope_scaling": {"type": "yarn", "factor": 2, "original_max_position_embeddings": 0}})",
            "rope_scaling.original_max_position_embeddings must be 1 to"},
           {R"({"rope_scaling": {"type": "default"}, "rope_parameters": {"rope_theta": 3}})",
            "rope_parameters must have the base of rope_scaling, 10000, found 3"},
           {R"({"rope_scaling": {"type": "linear", "factor": 2}, "rope_parameters": {"rope_type": "default"}})",
            "rope_parameters must have the rotation of rope_scaling, {\"rope_type\":\"linear\",\"factor\":2.0}, found "
            "null"},
           {R"({"rope_parameters": {"full_attention": {"rope_theta": 3}, "sliding_attention": {"rope_theta": 4}}})",
            "sliding_attention must have the base of rope_parameters.full_attention, 3, found 4"}}) {
    INFO(text);
    CHECK_THROWS_WITH(rotation_in(text), ContainsSubstring(message));
  }
}

}  // namespace rotation_config_test
