#include "multipl_moe/tokenizer/vocabulary_files.hpp"

#include "golden_tokenizer.hpp"
#include "multipl_moe/io/errors.hpp"
#include "support/catch.hpp"

namespace vocabulary_files_test {

using namespace multipl_moe;
using namespace multipl_moe::testing;
using Catch::Matchers::ContainsSubstring;
using Json = nlohmann::json;

namespace {

/// The golden tokenizer as three files.
struct Files {
  std::string vocabulary, merges = "#version: 0.2\n", config;

  Files() {
    const Json file = golden_json();
    vocabulary = file["model"]["vocab"].dump();
    for (const Json& merge : file["model"]["merges"])
      merges += merge[0].get<std::string>() + " " + merge[1].get<std::string>() + "\n";
    Json decoder;
    for (Json token : file["added_tokens"]) {
      const auto key = std::to_string(token["id"].get<int>());
      token.erase("id");
      decoder[key] = token;
    }
    config = Json{{"tokenizer_class", "Qwen2Tokenizer"}, {"add_prefix_space", false}, {"added_tokens_decoder", decoder}}
                 .dump();
  }

  TokenizerParts parts() const {
    const std::filesystem::path v = "vocab.json", m = "merges.txt", c = "tokenizer_config.json";
    const NamedText named{config, c};
    return parse_vocabulary_files({vocabulary, v}, {merges, m}, config.empty() ? nullptr : &named);
  }
  std::string refusal() const {
    try {
      parts();
    } catch (const BadFile& error) {
      return error.what();
    }
    return "read";
  }
};

}  // namespace

TEST_CASE("the three files give the same tokenizer as tokenizer.json", "[tokenizer]") {
  const Files files;
  CHECK(BpeTokenizer(files.parts(), "f").hash() == golden_tokenizer().hash());
}

TEST_CASE("without a config the end of text follows the vocabulary", "[tokenizer]") {
  Files files;
  files.config.clear();
  const BpeTokenizer tokenizer(files.parts(), "f");
  CHECK(tokenizer.vocab_size() == 1401);
  CHECK(tokenizer.encode_with_special("<|endoftext|>") == std::vector<Token>{1400});
  CHECK(tokenizer.encode("e\xcc\x81 1") == golden_tokenizer().encode("e\xcc\x81 1"));
}

TEST_CASE("the version line may be missing, and so may the last line's end", "[tokenizer]") {
  Files files;
  files.merges = files.merges.substr(files.merges.find('\n') + 1);
  files.merges.pop_back();
  CHECK(files.parts().merges.size() == 1144);
}

TEST_CASE("byte-order marks and other line ends do not change the tokenizer", "[tokenizer]") {
  const auto with_returns = [](const std::string& text) {
    std::string result;
    for (const char c : text) result += c == '\n' ? std::string("\r\n") : std::string(1, c);
    return result;
  };
  Files edited;
  for (std::string Files::*file : {&Files::vocabulary, &Files::merges, &Files::config})
    edited.*file = "\xef\xbb\xbf" + with_returns(edited.*file);
  CHECK(BpeTokenizer(edited.parts(), "f").hash() == golden_tokenizer().hash());
}

TEST_CASE("an error names the one of the three files that has it", "[tokenizer]") {
  const auto check = [](const std::string& reason, const auto& change) {
    Files files;
    change(files);
    INFO(reason);
    CHECK_THAT(files.refusal(), ContainsSubstring(reason));
  };
  check("[vocab.json] must be an object", [](Files& f) { f.vocabulary = "[]"; });
  check("[vocab.json] every byte must be a token", [](Files& f) { f.vocabulary = "{}"; });
  check("[vocab.json, byte 1]", [](Files& f) { f.vocabulary = "{"; });
  check("[merges.txt] merge 1144: must be two tokens", [](Files& f) { f.merges += "\n"; });
  check("[merges.txt] merge 1144: its left token", [](Files& f) { f.merges += "#version: 0.2\n"; });
  check("[merges.txt] merge 1144: must be spelled", [](Files& f) { f.merges += "a b\r\r\n"; });
  check("[merges.txt] merge 1144: a pair of tokens must occur once",
        [](Files& f) { f.merges += f.merges.substr(14, f.merges.find('\n', 14) - 14); });
  check("[merges.txt] merge 1144: its left token", [](Files& f) { f.merges += "zzzzzz a"; });
  check("[tokenizer_config.json] must be an object", [](Files& f) { f.config = "[]"; });
  check("[tokenizer_config.json] added_tokens_decoder must be an object", [](Files& f) { f.config = "{}"; });
  check("[tokenizer_config.json] tokenizer_class must be Qwen2Tokenizer, found \"GPT2Tokenizer\"",
        [](Files& f) { f.config.replace(f.config.find("Qwen2"), 5, "GPT2"); });
  check("[tokenizer_config.json] add_prefix_space must be false, found true",
        [](Files& f) { f.config.replace(f.config.find("false"), 5, "true"); });
  check("a key must be a number below 2^32 - 1, found '4294967295'",
        [](Files& f) { f.config.replace(f.config.find("\"1405\""), 6, "\"4294967295\""); });
  check("a key must be a number below 2^32 - 1, found '1405x'",
        [](Files& f) { f.config.replace(f.config.find("\"1405\""), 6, "\"1405x\""); });
  check("[tokenizer_config.json] the added token 'näive' must have the id 1405, found 1409",
        [](Files& f) { f.config.replace(f.config.find("\"1405\""), 6, "\"1409\""); });
}

}  // namespace vocabulary_files_test
