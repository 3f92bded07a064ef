#include "multipl_moe/tokenizer/tokenizer_json.hpp"

#include <functional>

#include "golden_tokenizer.hpp"
#include "multipl_moe/io/errors.hpp"
#include "support/catch.hpp"

namespace tokenizer_json_test {

using namespace multipl_moe;
using namespace multipl_moe::testing;
using Catch::Matchers::ContainsSubstring;
using Json = nlohmann::json;

namespace {

std::string refusal(const std::string& text) {
  try {
    const BpeTokenizer read(parse_tokenizer_json(text, "tokenizer.json"), "tokenizer.json");
  } catch (const BadFile& error) {
    return error.what();
  }
  return "read";
}

struct Bad {
  std::string reason;
  std::function<void(Json&)> change;
};

/// The error of the golden file with one change.
std::string refusal(const Bad& bad) {
  Json file = golden_json();
  bad.change(file);
  return refusal(file.dump());
}

Json added(const std::string& content, const Json& id) {
  return {{"id", id},        {"content", content},  {"single_word", false}, {"lstrip", false},
          {"rstrip", false}, {"normalized", false}, {"special", true}};
}

}  // namespace

TEST_CASE("the golden file is read", "[tokenizer]") {
  const TokenizerParts parts = parse_tokenizer_json(golden_text("tokenizer.json"), "f");
  CHECK(parts.vocabulary.size() == 1400);
  CHECK(parts.merges.size() == 1400 - 256);
  CHECK(parts.added.size() == 6);
  CHECK(parts.added[5] == AddedToken{"näive", 1405, false, true});
  CHECK(parts.pattern == qwen_pattern);
  CHECK(parts.is_nfc);
}

TEST_CASE("merges may be strings, and options may be left out", "[tokenizer]") {
  Json file = golden_json();
  for (Json& merge : file["model"]["merges"]) merge = merge[0].get<std::string>() + " " + merge[1].get<std::string>();
  for (const char* key : {"dropout", "unk_token", "fuse_unk", "ignore_merges", "byte_fallback"})
    file["model"].erase(key);
  file["post_processor"] = nullptr;
  const BpeTokenizer tokenizer(parse_tokenizer_json(file.dump(), "f"), "f");
  CHECK(tokenizer.hash() == golden_tokenizer().hash());
  file["normalizer"] = nullptr;
  CHECK_FALSE(parse_tokenizer_json(file.dump(), "f").is_nfc);
}

TEST_CASE("a written tokenizer.json reads back equal", "[tokenizer]") {
  TokenizerParts parts = parse_tokenizer_json(golden_text("tokenizer.json"), "f");
  parts.is_nfc = false;
  const std::string text = tokenizer_json_text(parts);
  const TokenizerParts again = parse_tokenizer_json(text, "f");
  CHECK(tokenizer_json_text(again) == text);
  CHECK(BpeTokenizer(std::move(parts), "f").hash() == BpeTokenizer(parse_tokenizer_json(text, "f"), "f").hash());
}

TEST_CASE("added tokens may be in the vocabulary", "[tokenizer]") {
  Json file = golden_json();
  for (const Json& token : file["added_tokens"]) file["model"]["vocab"][token["content"]] = token["id"];
  const BpeTokenizer tokenizer(parse_tokenizer_json(file.dump(), "f"), "f");
  CHECK(tokenizer.vocab_size() == 1406);
  CHECK(tokenizer.encode_with_special("a<|im_end|>") == golden_tokenizer().encode_with_special("a<|im_end|>"));
  CHECK(tokenizer.decode(std::vector<Token>{1405}) == "näive");
  const std::string text = tokenizer_json_text(tokenizer.parts());
  CHECK(BpeTokenizer(parse_tokenizer_json(text, "f"), "f").hash() == tokenizer.hash());
}

TEST_CASE("a file that would lead to other tokens is refused with the reason", "[tokenizer]") {
  const auto vocab = [](Json& file) -> Json& { return file["model"]["vocab"]; };
  const auto merges = [](Json& file) -> Json& { return file["model"]["merges"]; };
  const auto split = [](Json& file) -> Json& { return file["pre_tokenizer"]["pretokenizers"][0]; };
  const auto bytes = [](Json& file) -> Json& { return file["pre_tokenizer"]["pretokenizers"][1]; };
  const std::vector<Bad> bads{
      {"the file.version must be \"1.0\", found \"2.0\"", [](Json& f) { f["version"] = "2.0"; }},
      {"the file.version must be \"1.0\", found null", [](Json& f) { f.erase("version"); }},
      {"the file must not have extra", [](Json& f) { f["extra"] = 1; }},
      {"truncation must be null",
       [](Json& f) {
         f["truncation"] = {{"max_length", 8}};
       }},
      {"padding must be null", [](Json& f) { f["padding"] = Json::object(); }},
      {"normalizer.type must be \"NFC\", found \"NFKC\"", [](Json& f) { f["normalizer"]["type"] = "NFKC"; }},
      {"normalizer must not have strip", [](Json& f) { f["normalizer"]["strip"] = true; }},
      {"normalizer must be an object, found \"NFC\"", [](Json& f) { f["normalizer"] = "NFC"; }},
      {"pre_tokenizer must be an object, found null", [](Json& f) { f["pre_tokenizer"] = nullptr; }},
      {"pre_tokenizer.type must be \"Sequence\"", [](Json& f) { f["pre_tokenizer"]["type"] = "Whitespace"; }},
      {"must be Split and ByteLevel",
       [](Json& f) {
         f["pre_tokenizer"]["pretokenizers"].push_back({{"type", "Digits"}});
       }},
      {"behavior must be \"Isolated\"", [&](Json& f) { split(f)["behavior"] = "Removed"; }},
      {"invert must be false, found true", [&](Json& f) { split(f)["invert"] = true; }},
      {"must be an object of one Regex",
       [&](Json& f) {
         split(f)["pattern"] = {{"String", " "}};
       }},
      {"must be an object of one Regex", [&](Json& f) { split(f)["pattern"]["Regex"] = 5; }},
      {"the pattern must compile", [&](Json& f) { split(f)["pattern"]["Regex"] = "(a"; }},
      {"the pattern must not match the empty text", [&](Json& f) { split(f)["pattern"]["Regex"] = "a*"; }},
      {"the pattern must not hold '\\w'", [&](Json& f) { split(f)["pattern"]["Regex"] = "\\w+"; }},
      {"add_prefix_space must be false, found true", [&](Json& f) { bytes(f)["add_prefix_space"] = true; }},
      {"use_regex must be false, found true", [&](Json& f) { bytes(f)["use_regex"] = true; }},
      {"use_regex must be false, found null", [&](Json& f) { bytes(f).erase("use_regex"); }},
      {"post_processor.type must be \"ByteLevel\"",
       [](Json& f) { f["post_processor"]["type"] = "TemplateProcessing"; }},
      {"decoder.type must be \"ByteLevel\"", [](Json& f) { f["decoder"]["type"] = "Metaspace"; }},
      {"decoder must be an object, found null", [](Json& f) { f.erase("decoder"); }},
      {"model.type must be \"BPE\", found \"Unigram\"", [](Json& f) { f["model"]["type"] = "Unigram"; }},
      {"model must be an object", [](Json& f) { f.erase("model"); }},
      {"dropout must be null, found 0.1", [](Json& f) { f["model"]["dropout"] = 0.1; }},
      {"end_of_word_suffix must be null or \"\"", [](Json& f) { f["model"]["end_of_word_suffix"] = "</w>"; }},
      {"continuing_subword_prefix must be", [](Json& f) { f["model"]["continuing_subword_prefix"] = "##"; }},
      {"byte_fallback must be null or false", [](Json& f) { f["model"]["byte_fallback"] = true; }},
      {"ignore_merges must be null or false", [](Json& f) { f["model"]["ignore_merges"] = true; }},
      {"model must not have cache", [](Json& f) { f["model"]["cache"] = 1; }},
      {"model.vocab must be null", [](Json& f) { f["model"]["vocab"] = Json::array({"a"}); }},
      {"model.merges must be null", [](Json& f) { f["model"]["merges"] = 3; }},
      {"token ids must be 0, 1, 2, ... each once, found 1 where 0", [&](Json& f) { vocab(f).erase("!"); }},
      {"token ids must be 0, 1, 2, ... each once, found 7 where 8", [&](Json& f) { vocab(f)["zzzzz"] = 7; }},
      {"token ids must be 0, 1, 2, ... each once", [&](Json& f) { vocab(f)["zzzzz"] = 1500; }},
      {"id must be below 524288, found 4294967295", [&](Json& f) { vocab(f)["zzzzz"] = 4294967295u; }},
      {"id must be below 524288, found 18446744073709551615", [&](Json& f) { vocab(f)["zzzzz"] = ~std::uint64_t{0}; }},
      {"must be an unsigned integer, found the number -1 for 'zz'", [&](Json& f) { vocab(f)["zz"] = -1; }},
      {"must be an unsigned integer, found the number 1.5", [&](Json& f) { vocab(f)["zz"] = 1.5; }},
      {"must be an unsigned integer, found a string", [&](Json& f) { vocab(f)["zz"] = "1"; }},
      {"must be an unsigned integer, found null", [&](Json& f) { vocab(f)["zz"] = nullptr; }},
      {"must be an unsigned integer, found an object", [&](Json& f) { vocab(f)["zz"] = Json::object(); }},
      {"must be an unsigned integer, found an array", [&](Json& f) { vocab(f)["zz"] = Json::array(); }},
      {"must have 1 to 1024 bytes, found 0", [&](Json& f) { vocab(f)[""] = 1400; }},
      {"must have 1 to 1024 bytes, found 1025", [&](Json& f) { vocab(f)[std::string(1025, 'a')] = 1400; }},
      {"must be spelled in the byte-level alphabet, found 1400: 'a b'", [&](Json& f) { vocab(f)["a b"] = 1400; }},
      {"must be spelled in the byte-level alphabet, found 1400: '你'", [&](Json& f) { vocab(f)["你"] = 1400; }},
      {"every byte must be a token, found none of byte 255",
       [&](Json& f) {
         const Json id = vocab(f)["ÿ"];
         vocab(f).erase("ÿ");
         vocab(f)["zzzz"] = id;
       }},
      {"every byte must be a token",
       [&](Json& f) {
         vocab(f) = Json::object();
         merges(f) = Json::array();
       }},
      {"its left token must be in the vocabulary, found 'zzzzz'",
       [&](Json& f) {
         merges(f).push_back({"zzzzz", "a"});
       }},
      {"its right token must be in the vocabulary, found 'zzzzz'", [&](Json& f) { merges(f).push_back("a zzzzz"); }},
      {"its merged token must be in the vocabulary, found 'QQ'", [&](Json& f) { merges(f).push_back("Q Q"); }},
      {"must be spelled in the byte-level alphabet",
       [&](Json& f) {
         merges(f).push_back({"a", "你"});
       }},
      {"a pair of tokens must occur once", [&](Json& f) { merges(f).push_back(merges(f)[0]); }},
      {"must be two tokens and one space", [&](Json& f) { merges(f)[3] = "ab"; }},
      {"must be two tokens and one space", [&](Json& f) { merges(f)[3] = "a b c"; }},
      {"must have 1 to 1024 bytes, found 0", [&](Json& f) { merges(f)[3] = " b"; }},
      {"a merge must be of two tokens, found 1", [&](Json& f) { merges(f)[3] = {"a"}; }},
      {"a merge must be of two tokens, found more",
       [&](Json& f) {
         merges(f)[3] = {"a", "b", "c"};
       }},
      {"a merge must be a string or an array of two, found the number 7", [&](Json& f) { merges(f)[3] = 7; }},
      {"a merge must be a string or an array of two, found an object", [&](Json& f) { merges(f)[3] = Json::object(); }},
      {"a merge must be a string or an array of two, found an array",
       [&](Json& f) {
         merges(f)[3] = {"a", Json::array()};
       }},
      {"added_tokens must be a list", [](Json& f) { f["added_tokens"] = 1; }},
      {"must have an id, an unsigned integer below 2^32 - 1",
       [](Json& f) { f["added_tokens"].push_back(added("x", 4294967295u)); }},
      {"must have an id", [](Json& f) { f["added_tokens"].push_back(added("x", -1)); }},
      {"must have an id", [](Json& f) { f["added_tokens"].push_back("x"); }},
      {"must have distinct ids, found 1400", [](Json& f) { f["added_tokens"].push_back(added("x", 1400)); }},
      {"an added token must occur once, found '<tool>' twice",
       [](Json& f) { f["added_tokens"].push_back(added("<tool>", 1406)); }},
      {"must have the id 1406, found 1407", [](Json& f) { f["added_tokens"].push_back(added("x y", 1407)); }},
      {"must have the id 0, found 1406", [](Json& f) { f["added_tokens"].push_back(added("!", 1406)); }},
      {"must have the id 1400, found 5", [](Json& f) { f["added_tokens"].back()["id"] = 5; }},
      {"lstrip must be false, found true for '<|endoftext|>'", [](Json& f) { f["added_tokens"][0]["lstrip"] = true; }},
      {"rstrip must be false", [](Json& f) { f["added_tokens"][0]["rstrip"] = true; }},
      {"single_word must be false", [](Json& f) { f["added_tokens"][0]["single_word"] = true; }},
      {"must have special, true or false", [](Json& f) { f["added_tokens"][0].erase("special"); }},
      {"must have content, a string", [](Json& f) { f["added_tokens"][0]["content"] = 5; }},
      {"content must have 1 to 512 bytes, found 0", [](Json& f) { f["added_tokens"][0]["content"] = ""; }},
      {"must not have trim", [](Json& f) { f["added_tokens"][0]["trim"] = true; }},
      {"there must be a special token <|endoftext|>", [](Json& f) { f["added_tokens"] = nullptr; }},
      {"at most 100000 values", [](Json& f) { f["extra"] = Json::array_t(100'001, 1); }},
  };
  REQUIRE(bads.size() >= 25);
  for (const Bad& bad : bads) {
    INFO(bad.reason);
    CHECK_THAT(refusal(bad), ContainsSubstring("[tokenizer.json] ") && ContainsSubstring(bad.reason));
  }
}

TEST_CASE("bytes that are not JSON are refused", "[tokenizer]") {
  const std::string good = golden_text("tokenizer.json");
  for (const std::string& text :
       {std::string(), std::string("{"), std::string("[]"), std::string("null"), std::string("3"), good + "x",
        good + std::string(1, '\0'), std::string(100'000, '['),
        std::string("{\"model\":{\"vocab\":{\"a\":0},\"vocab\":{\"b\":1}}}"),
        std::string("{\"version\":\"1.0\",\"version\":\"1.0\"}"), std::string("{\"model\":[{\"vocab\":{}}]}"),
        std::string("{\"model\":{\"merges\":[[\"a\",\"b\"")})
    CHECK_THAT(refusal(text), ContainsSubstring("[tokenizer.json"));
  CHECK_THAT(refusal("{\"a\": tru}"), ContainsSubstring("[tokenizer.json, byte 9] must be JSON"));
  CHECK_THAT(refusal("{\"model\":{\"vocab\":{\"a\":0},\"vocab\":{\"b\":1}}}"),
             ContainsSubstring("found 'vocab' twice"));
  CHECK_THAT(refusal("{\"model\":{\"vocab\":{\"a\":0,\"a\":1}}}"), ContainsSubstring("version"));
}

TEST_CASE("a token that occurs twice is refused", "[tokenizer]") {
  std::string text = golden_text("tokenizer.json");
  text.replace(text.find("\"vocab\": {"), 10, "\"vocab\": {\"!\": 1400, ");
  CHECK_THAT(refusal(text), ContainsSubstring("a token must occur once, found '!' twice"));
}

TEST_CASE("a file truncated anywhere is a bad file", "[tokenizer]") {
  const std::string good = golden_text("tokenizer.json");
  for (std::size_t size = 0; size + 2 < good.size(); size += size < 2500 ? 1 : 97)
    CHECK_THROWS_AS(parse_tokenizer_json(good.substr(0, size), "f"), BadFile);
}

}  // namespace tokenizer_json_test
