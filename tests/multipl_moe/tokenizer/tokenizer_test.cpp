#include "multipl_moe/tokenizer/tokenizer.hpp"

#include "golden_tokenizer.hpp"
#include "multipl_moe/io/errors.hpp"
#include "support/catch.hpp"

namespace tokenizer_tokenizer_test {

using namespace multipl_moe;
using namespace multipl_moe::testing;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("a folder without tokenizer files has the byte tokenizer", "[tokenizer]") {
  const ScratchFolder scratch;
  CHECK(read_tokenizer(scratch.path())->hash() == byte_tokenizer()->hash());
}

TEST_CASE("a tokenizer is written as the files that it was read from", "[tokenizer]") {
  const ScratchFolder scratch;
  const std::string text = golden_text("tokenizer.json");
  put_bytes(scratch / "a/tokenizer.json", text);
  put_bytes(scratch / "a/tokenizer_config.json", "{ \"for\": \"others\" }");
  const auto read = read_tokenizer(scratch / "a");
  CHECK(read->hash() == golden_tokenizer().hash());
  std::filesystem::create_directory(scratch / "b");
  read->write_files(scratch / "b");
  CHECK(get_bytes(scratch / "b/tokenizer.json") == text);
  CHECK(get_bytes(scratch / "b/tokenizer_config.json") == "{ \"for\": \"others\" }");

  const auto json = golden_json();
  std::string merges;
  for (const auto& merge : json["model"]["merges"])
    merges += merge[0].get<std::string>() + " " + merge[1].get<std::string>() + "\n";
  put_bytes(scratch / "c/vocab.json", json["model"]["vocab"].dump());
  put_bytes(scratch / "c/merges.txt", merges);
  const auto parts = read_tokenizer(scratch / "c");
  CHECK(parts->vocab_size() == 1401);
  std::filesystem::create_directory(scratch / "d");
  parts->write_files(scratch / "d");
  CHECK(get_bytes(scratch / "d/merges.txt") == merges);
  CHECK(read_tokenizer(scratch / "d")->hash() == parts->hash());
  CHECK_FALSE(std::filesystem::exists(scratch / "d/tokenizer.json"));
}

TEST_CASE("a tokenizer that was not read from files is written as tokenizer.json", "[tokenizer]") {
  const ScratchFolder scratch;
  golden_tokenizer().write_files(scratch.path());
  CHECK(read_tokenizer(scratch.path())->hash() == golden_tokenizer().hash());
}

TEST_CASE("the other files of a tokenizer's folder must agree with the tokenizer", "[tokenizer]") {
  const ScratchFolder scratch;
  put_bytes(scratch / "tokenizer.json", golden_text("tokenizer.json"));
  const auto end = std::to_string(golden_tokenizer().split_at_special("<|im_end|>").at(0).special.value());
  const auto with = [&](const char* name, const std::string& text) {
    put_bytes(scratch / name, text);
    std::string fault;
    try {
      read_tokenizer(scratch.path());
    } catch (const BadFile& error) {
      fault = error.what();
    }
    std::filesystem::remove(scratch / name);
    return fault;
  };
  const auto token = [](const std::string& content, const char* special) {
    return R"({"content": ")" + content + R"(", "special": )" + special +
           R"(, "normalized": false, "lstrip": false, "rstrip": false, "single_word": false})";
  };
  const char* const config = "tokenizer_config.json";
  CHECK(with(config, R"({"add_prefix_space": false, "add_bos_token": null, "tokenizer_class": "Qwen2Tokenizer"})")
            .empty());
  for (const char* name : {"add_prefix_space", "split_special_tokens", "add_bos_token", "add_eos_token"})
    CHECK_THAT(with(config, std::string("{\"") + name + "\": true}"),
               ContainsSubstring("tokenizer_config.json") && ContainsSubstring(std::string(name) + " must be false"));
  CHECK(with(config, "{\"added_tokens_decoder\": {\"" + end + "\": " + token("<|im_end|>", "true") + "}}").empty());
  CHECK_THAT(with(config, "{\"added_tokens_decoder\": {\"" + end + "\": " + token("<|im_end|>", "false") + "}}"),
             ContainsSubstring("must have the added tokens of tokenizer.json, found '<|im_end|>'"));
  CHECK_THAT(with(config, "{\"added_tokens_decoder\": {\"5000\": " + token("<|more|>", "true") + "}}"),
             ContainsSubstring("found '<|more|>' with the id 5000"));
  CHECK(with("added_tokens.json", "{\"<|im_end|>\": " + end + "}").empty());
  CHECK_THAT(with("added_tokens.json", R"({"<|more|>": 5000})"),
             ContainsSubstring("added_tokens.json") && ContainsSubstring("found '<|more|>' with the id 5000"));
  CHECK_THAT(with("added_tokens.json", R"({"<|im_end|>": 3})"), ContainsSubstring("with the id 3"));
  CHECK(with("special_tokens_map.json", R"({"eos_token": "<|im_end|>", "pad_token": {"content": "<|endoftext|>"},
                                            "additional_special_tokens": ["<|im_start|>"], "bos_token": null})")
            .empty());
  CHECK_THAT(with("special_tokens_map.json", R"({"eos_token": "</s>"})"),
             ContainsSubstring("eos_token must be a special token of the tokenizer beside it, found \"</s>\""));
  CHECK_THAT(with("special_tokens_map.json", R"({"additional_special_tokens": ["a"]})"),
             ContainsSubstring("additional_special_tokens must be a special token"));
  CHECK_THAT(with("special_tokens_map.json", R"({"eos_token": 3})"), ContainsSubstring("eos_token must name tokens"));
}

TEST_CASE("a text is cut at the names of special tokens", "[tokenizer]") {
  const auto cut = [](const Tokenizer& tokenizer, std::string_view text) {
    std::string all;
    for (const TextPart& part : tokenizer.split_at_special(text)) {
      all += (part.special ? "{" : "[") + std::string(part.text) + (part.special ? "}" : "]");
      if (part.special) CHECK(tokenizer.encode_with_special(part.text) == std::vector<Token>{*part.special});
    }
    return all;
  };
  CHECK(cut(golden_tokenizer(), "a<|im_end|>\n<|im_end|><|im_start|>b<|im_") ==
        "[a]{<|im_end|>}[\n]{<|im_end|>}{<|im_start|>}[b<|im_]");
  CHECK(cut(golden_tokenizer(), "") == "");
  CHECK(cut(*byte_tokenizer(), "a<|im_end|>") == "[a<|im_end|>]");
}

TEST_CASE("a tokenizer has the name of its folder", "[tokenizer]") {
  const ScratchFolder scratch;
  put_bytes(scratch / "mine/tokenizer.json", golden_text("tokenizer.json"));
  CHECK(read_tokenizer(scratch / "mine")->name() == (scratch / "mine"));
  CHECK(described(*byte_tokenizer()) == "bytes (257 tokens)");
}

TEST_CASE("invalid tokenizer files are refused", "[tokenizer]") {
  const ScratchFolder scratch;
  put_bytes(scratch / "a/tokenizer.json", "{}");
  CHECK_THROWS_WITH(read_tokenizer(scratch / "a"),
                    ContainsSubstring("a/tokenizer.json") && ContainsSubstring("version"));
  put_bytes(scratch / "b/vocab.json", "{}");
  CHECK_THROWS_AS(read_tokenizer(scratch / "b"), BadFile);
  put_bytes(scratch / "c/tokenizer.json", std::string((12 << 20) + 1, ' '));
  CHECK_THROWS_AS(read_tokenizer(scratch / "c"), BadFile);
  std::filesystem::create_directories(scratch / "d/tokenizer.json");
  CHECK_THROWS_AS(read_tokenizer(scratch / "d"), BadFile);
}

}  // namespace tokenizer_tokenizer_test
