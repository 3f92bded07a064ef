#include "multipl_moe/io/window_config.hpp"

#include <nlohmann/json.hpp>
#include <string>
#include <tuple>
#include <vector>

#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/transformers_family.hpp"
#include "support/catch.hpp"

namespace window_config_test {

using namespace multipl_moe;
using Catch::Matchers::ContainsSubstring;
using Json = nlohmann::json;
using Windows = std::vector<std::int64_t>;

namespace {

Windows windows_in(const Json& json) {
  const std::filesystem::path path = "config.json";
  const TransformersFamily* const family = find_family(json.value("model_type", "multipl_moe"));
  return windows_of(Fields(json, path, ""), family != nullptr ? family->windows : WindowLayers::from_a_layer_on, 4);
}

Json file(const char* family, Json others) {
  others["model_type"] = family;
  return others;
}

}  // namespace

TEST_CASE("each family has windows in the same layers as in transformers", "[config]") {
  const Json on{{"use_sliding_window", true}, {"sliding_window", 7}, {"max_window_layers", 2}};
  CHECK(windows_in(file("qwen2", on)) == Windows{0, 0, 7, 7});
  CHECK(windows_in(file("multipl_moe", on)) == Windows{0, 0, 7, 7});
  CHECK(windows_in(file("qwen2_moe", on)) == Windows{7, 0, 0, 0});
  CHECK(windows_in(file("qwen3", on)) == Windows{0, 0, 7, 7});
  CHECK(windows_in(file("qwen3_moe", on)) == Windows{7, 7, 7, 7});
  CHECK(windows_in(file("mixtral", {{"sliding_window", 9}})) == Windows{9, 9, 9, 9});

  Json listed = on;
  listed["layer_types"] = {"full_attention", "sliding_attention", "attention", "sliding_attention"};
  for (const char* family : {"qwen2", "qwen2_moe"}) CHECK(windows_in(file(family, listed)) == Windows{0, 7, 0, 7});

  const Json without{{"use_sliding_window", true}};
  CHECK(windows_in(file("qwen2", without)).empty());  // from layer 28 on
  CHECK(windows_in(file("qwen2_moe", without)) == Windows{4096, 0, 4096, 0});
}

TEST_CASE("windows that apply to no layer are read as none", "[config]") {
  CHECK(windows_in(file("qwen2", {{"sliding_window", 7}, {"max_window_layers", 0}})).empty());
  CHECK(windows_in(file("qwen2", {{"use_sliding_window", true}, {"max_window_layers", 4}})).empty());
  CHECK(windows_in(file("qwen2", {{"use_sliding_window", true}, {"sliding_window", nullptr}, {"max_window_layers", 0}}))
            .empty());
  CHECK(windows_in(file("qwen2_moe", {{"use_sliding_window", true}, {"max_window_layers", 0}})).empty());
  CHECK(windows_in(file("mixtral", {{"sliding_window", nullptr}})).empty());
  Json all{{"use_sliding_window", true}, {"max_window_layers", 0}};
  all["layer_types"] = Json::array({"full_attention", "full_attention", "full_attention", "full_attention"});
  CHECK(windows_in(file("qwen2", all)).empty());
}

TEST_CASE("fields that contradict each other are refused", "[config]") {
  const Json sliding = Json::array({"sliding_attention", "sliding_attention", "sliding_attention", "full_attention"});
  for (const auto& [json, message] : std::vector<std::tuple<Json, const char*>>{
           {file("qwen2", {{"layer_types", sliding}}),
            "use_sliding_window must be true where layer_types has \"sliding_attention\", found false"},
           {file("qwen2", {{"layer_types", sliding}, {"use_sliding_window", true}, {"sliding_window", nullptr}}),
            "sliding_window must be a number where a layer has one, found null"},
           {file("qwen2_moe", {{"use_sliding_window", true}, {"sliding_window", nullptr}}),
            "sliding_window must be a number where a layer has one, found null"},
           {file("qwen2", {{"layer_types", sliding}, {"use_sliding_window", true}, {"sliding_window", 0}}),
            "sliding_window must be at least 1 where a layer has one, found 0"},
           {file("qwen2", {{"layer_types", Json::array({"full_attention"})}}),
            "layer_types must list the 4 layers of num_hidden_layers, found 1"},
           {file("qwen2", {{"layer_types", Json::array({"chunked_attention"})}}),
            "layer_types must be \"full_attention\" or \"sliding_attention\", found \"chunked_attention\""},
           {file("qwen2", {{"layer_types", "full_attention"}}), "layer_types must be an array of strings"},
           {file("qwen2", {{"use_sliding_window", 1}}), "use_sliding_window must be true or false"},
           {file("mixtral", {{"use_sliding_window", true}}), "use_sliding_window must be false, found true"},
           {file("mixtral", {{"sliding_window", -1}}), "sliding_window must be at least 1"},
           {file("qwen3_moe", {{"layer_types", sliding}}),
            "layer_types must all be \"full_attention\" in a qwen3_moe without a sliding_window, found others"},
           {file("mixtral", {{"sliding_window", 4}, {"layer_types", sliding}}),
            "layer_types must all be \"sliding_attention\" in a mixtral with a sliding_window, found others"}}) {
    INFO(json.dump());
    CHECK_THROWS_WITH(windows_in(json), ContainsSubstring(message));
  }
}

TEST_CASE("windows are equal after writing and reading their fields", "[config]") {
  for (const Windows& windows : {Windows{0, 0, 7, 7}, Windows{7, 7, 7, 7}, Windows{7, 0, 0, 7}, Windows{0, 5, 0, 0}}) {
    Json json = windows_json(windows);
    CHECK(json.contains("max_window_layers") == (windows.back() > 0 && windows != Windows{7, 0, 0, 7}));
    json["use_sliding_window"] = true;
    CHECK(windows_in(json) == windows);
    json["model_type"] = "qwen2_moe";
    CHECK(windows_in(json) == windows);
  }
  CHECK(windows_json({}).empty());
  CHECK(has_one_window(Windows{}));
  CHECK(has_one_window(Windows{3, 3}));
  CHECK_FALSE(has_one_window(Windows{3, 0}));
}

}  // namespace window_config_test
