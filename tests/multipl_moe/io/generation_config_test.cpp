#include "multipl_moe/io/generation_config.hpp"

#include <vector>

#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/scratch.hpp"
#include "support/catch.hpp"

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

TEST_CASE("a generation configuration that no sampler can use is refused") {
  const auto refused = [](const char* text, const char* message) {
    INFO(text);
    try {
      parse_generation_config(text, "generation_config.json");
      FAIL_CHECK("was taken");
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
  refused(R"({"top_k": 2.5})", "top_k must be whole");
  refused(R"({"top_k": -1})", "top_k must be 0 to");
}

TEST_CASE("where there is no generation configuration the model's own ids count") {
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
