#include "multipl_moe/io/generation_config.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/generation_settings.hpp"
#include "multipl_moe/io/scratch.hpp"
#include "support/catch.hpp"

namespace generation_config_test {

using namespace multipl_moe;
using namespace multipl_moe::testing;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("a generation configuration is read as Hugging Face writes it") {
  const GenerationConfig config = parse_generation_config(
      R"({"bos_token_id": 151643, "do_sample": true, "eos_token_id": [151645, 151643], "pad_token_id": 151643,
          "repetition_penalty": 1.1, "temperature": 0.7, "top_k": 20.0, "top_p": 0.8, "transformers_version": "5.23.0"})",
      "g");
  CHECK(config == GenerationConfig{.eos_token_id = {151645, 151643},
                                   .bos_token_id = 151643,
                                   .pad_token_id = 151643,
                                   .do_sample = true,
                                   .temperature = 0.7,
                                   .top_p = 0.8,
                                   .repetition_penalty = 1.1,
                                   .top_k = 20});
  CHECK(parse_generation_config(to_json_text(config), "g") == config);
  CHECK(parse_generation_config("{}", "g") == GenerationConfig{});
  CHECK(parse_generation_config(R"({"eos_token_id": null, "top_k": null})", "g") == GenerationConfig{});
  const GenerationConfig one = parse_generation_config(R"({"eos_token_id": 2, "top_p": 1})", "g");
  CHECK(one.eos_token_id == std::vector<std::int64_t>{2});
  CHECK(parse_generation_config(to_json_text(one), "g") == one);
}

TEST_CASE("lengths, stop strings and suppressed tokens are read, and other settings are kept") {
  const GenerationConfig config = parse_generation_config(
      R"({"max_new_tokens": 9, "min_new_tokens": 2, "max_length": 30, "min_length": 3, "no_repeat_ngram_size": 4,
          "suppress_tokens": [5, 7], "begin_suppress_tokens": 8, "stop_strings": "###", "num_beams": 4, "min_p": 0.1,
          "early_stopping": true, "typical_p": 1.0, "num_return_sequences": 1, "novelty": {"a": [1]}})",
      "g");
  CHECK(config.max_new_tokens == 9);
  CHECK(config.min_new_tokens == 2);
  CHECK(config.max_length == 30);
  CHECK(config.min_length == 3);
  CHECK(config.no_repeat_ngram_size == 4);
  CHECK(config.suppress_tokens == std::vector<std::int64_t>{5, 7});
  CHECK(config.begin_suppress_tokens == std::vector<std::int64_t>{8});
  CHECK(config.stop_strings == std::vector<std::string>{"###"});
  // early_stopping has no effect without beams, and the others have values without effect.
  CHECK(config.ignored == std::vector<std::string>{"min_p", "novelty", "num_beams"});
  CHECK(parse_generation_config(to_json_text(config), "g") == config);
  CHECK_THAT(to_json_text(config), ContainsSubstring("\"num_beams\": 4") && ContainsSubstring("\"typical_p\": 1.0") &&
                                       ContainsSubstring("\"novelty\": {"));
  CHECK(parse_generation_config(R"({"stop_strings": ["a", "b"]})", "g").stop_strings ==
        std::vector<std::string>{"a", "b"});
}

TEST_CASE("every setting of transformers is read, or reported as ignored unless it has no effect") {
  const auto golden = std::filesystem::path(MOE_GOLDEN_DIR) / "config_fields.json";
  const auto settings = nlohmann::json::parse(get_bytes(golden)).at("generation");
  REQUIRE(settings.size() > 60);
  // The values that transformers writes by default have no effect.
  nlohmann::json usual = settings;
  usual.erase("max_length");
  CHECK(parse_generation_config(usual.dump(), "g").ignored.empty());
  const auto known = generation_settings();
  for (const auto& setting : settings.items()) {
    const std::string& name = setting.key();
    INFO(name);
    CHECK((name.ends_with("_token_id") ||
           std::any_of(known.begin(), known.end(), [&name](const auto& one) { return one.name == name; })));
  }
}

TEST_CASE("sampling settings that are not used may have any value, token ids must be in the vocabulary") {
  const GenerationConfig greedy =
      parse_generation_config(R"({"do_sample": false, "top_p": 0.0, "temperature": -1, "top_k": -3})", "g");
  CHECK(greedy.top_p == 0.0);
  CHECK(parse_generation_config(R"({"do_sample": false, "top_p": 1.5})", "g").top_p == 1.5);
  const ScratchFolder folder;
  for (const char* name : {"eos_token_id", "suppress_tokens", "begin_suppress_tokens"}) {
    put_bytes(folder / generation_config_name, nlohmann::json{{name, {3, 99}}}.dump());
    CHECK_NOTHROW(read_generation_config(folder.path(), 100));
    CHECK_THROWS_WITH(
        read_generation_config(folder.path(), 99),
        ContainsSubstring("generation_config.json") &&
            ContainsSubstring(std::string(name) + " must be below config.json's vocab_size, 99, found 99"));
  }
  std::filesystem::remove(folder / generation_config_name);
  put_bytes(folder / "config.json", R"({"eos_token_id": 300})");
  CHECK_THROWS_WITH(read_generation_config(folder.path(), 257), ContainsSubstring("config.json] eos_token_id must be"));
}

TEST_CASE("an invalid generation configuration is refused") {
  const auto refused = [](const char* text, const char* message) {
    INFO(text);
    try {
      parse_generation_config(text, "generation_config.json");
      FAIL_CHECK("was accepted");
    } catch (const BadFile& error) {
      CHECK_THAT(error.what(), ContainsSubstring("generation_config.json") && ContainsSubstring(message));
    }
  };
  refused("[]", "must be a JSON object");
  refused("{", "must be JSON");
  refused(R"({"eos_token_id": "end"})", "eos_token_id must be an integer");
  refused(R"({"eos_token_id": [1, "end"]})", "eos_token_id must be an integer");
  refused(R"({"eos_token_id": [1, -1]})", "eos_token_id must be 0 or more, found -1");
  refused(R"({"bos_token_id": -1})", "bos_token_id must be 0 or more");
  refused(R"({"bos_token_id": 18446744073709551615})", "bos_token_id must be an integer below 2^63");
  refused(R"({"do_sample": "yes"})", "do_sample must be true or false");
  refused(R"({"temperature": -0.5})", "temperature must be 0 to");
  refused(R"({"temperature": "hot"})", "temperature must be a number");
  refused(R"({"top_p": 1.5})", "top_p must be 0 to 1");
  refused(R"({"top_k": 2.5})", "top_k must be a whole number");
  refused(R"({"top_k": -1})", "top_k must be 0 to");
  refused(R"({"max_new_tokens": -1})", "max_new_tokens must be 0 or more");
  refused(R"({"max_length": "long"})", "max_length must be an integer");
  refused(R"({"stop_strings": [3]})", "stop_strings must be an array of strings");
  refused(R"({"stop_strings": ["a", ""]})", "stop_strings must not be empty");
  refused(R"({"suppress_tokens": [-1]})", "suppress_tokens must be 0 or more");
}

TEST_CASE("without a generation configuration the token ids of config.json are used") {
  const ScratchFolder folder;
  CHECK(read_generation_config(folder.path()) == GenerationConfig{});
  put_bytes(folder / "config.json", R"({"eos_token_id": 5, "bos_token_id": null, "temperature": 3})");
  CHECK(read_generation_config(folder.path()) == GenerationConfig{.eos_token_id = {5}});
  put_bytes(folder / generation_config_name, R"({"temperature": 0.5})");
  CHECK(read_generation_config(folder.path()) == GenerationConfig{.temperature = 0.5});
  std::filesystem::remove(folder / generation_config_name);
  std::filesystem::create_directory(folder / generation_config_name);
  CHECK_THROWS_AS(read_generation_config(folder.path()), BadFile);
}

}  // namespace generation_config_test
