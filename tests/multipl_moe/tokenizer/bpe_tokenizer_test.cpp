#include "multipl_moe/tokenizer/bpe_tokenizer.hpp"

#include <numeric>
#include <thread>

#include "golden_tokenizer.hpp"
#include "multipl_moe/io/errors.hpp"
#include "support/catch.hpp"

namespace bpe_tokenizer_test {

using namespace multipl_moe;
using namespace multipl_moe::testing;
using Catch::Matchers::ContainsSubstring;
using Tokens = std::vector<Token>;

TEST_CASE("texts are encoded as by the package tokenizers", "[tokenizer]") {
  const auto cases = nlohmann::json::parse(golden_text("tokenizer_cases.json"))["cases"];
  REQUIRE(cases.size() > 200);
  const BpeTokenizer& tokenizer = golden_tokenizer();
  for (const auto& expected : cases) {
    const std::string text = from_hex(expected["text"]);
    INFO(escaped(text));
    const Tokens plain = tokenizer.encode(text);
    CHECK(plain == expected["plain"].get<Tokens>());
    CHECK(tokenizer.encode_with_special(text) == expected["special"].get<Tokens>());
    CHECK(tokenizer.decode(plain) == from_hex(expected["said"]));
    std::int64_t bytes = 0;
    for (const Token token : plain) bytes += tokenizer.byte_length(token);
    CHECK(bytes == std::ssize(tokenizer.decode(plain)));
  }
}

TEST_CASE("names of special tokens are encoded as text, except by encode_with_special", "[tokenizer]") {
  const BpeTokenizer& tokenizer = golden_tokenizer();
  CHECK(tokenizer.end_of_text() == 1400);
  CHECK(tokenizer.vocab_size() == 1406);
  CHECK(tokenizer.encode_with_special("<|endoftext|>") == Tokens{1400});
  const Tokens text = tokenizer.encode("<|endoftext|>");
  CHECK(text.size() > 1);
  CHECK(tokenizer.decode(text) == "<|endoftext|>");
  CHECK(tokenizer.encode("a<tool>") == tokenizer.encode_with_special("a<tool>"));
}

TEST_CASE("special tokens and invalid ids are decoded as nothing", "[tokenizer]") {
  const BpeTokenizer& tokenizer = golden_tokenizer();
  CHECK(tokenizer.decode(Tokens{1400, 0, 1406, ~Token{0}, 1403, 1402}) == "!<tool>");
  CHECK(tokenizer.byte_length(1400) == 0);
  CHECK(tokenizer.byte_length(1406) == 0);
  CHECK(tokenizer.byte_length(1403) == 6);
}

TEST_CASE("the 256 tokens of single bytes are decoded as all bytes", "[tokenizer]") {
  const BpeTokenizer& tokenizer = golden_tokenizer();
  Tokens all(256);
  std::iota(all.begin(), all.end(), Token{0});
  std::string bytes = tokenizer.decode(all);
  std::sort(bytes.begin(), bytes.end(),
            [](char a, char b) { return static_cast<unsigned char>(a) < static_cast<unsigned char>(b); });
  for (int byte = 0; byte < 256; ++byte) CHECK(bytes[static_cast<std::size_t>(byte)] == static_cast<char>(byte));
}

TEST_CASE("threads may share a tokenizer", "[tokenizer]") {
  const BpeTokenizer& tokenizer = golden_tokenizer();
  const std::string text = golden_text("tokenizer_cases.json").substr(0, 20'000);
  const Tokens expected = tokenizer.encode(text);
  std::vector<Tokens> found(4);
  std::vector<std::thread> threads;
  for (Tokens& tokens : found) threads.emplace_back([&] { tokens = tokenizer.encode(text); });
  for (std::thread& thread : threads) thread.join();
  for (const Tokens& tokens : found) CHECK(tokens == expected);
}

TEST_CASE("different tokenizers have different hashes", "[tokenizer]") {
  const auto hash_with = [](const auto& change) {
    TokenizerParts parts = parse_tokenizer_json(golden_text("tokenizer.json"), "f");
    change(parts);
    return BpeTokenizer(std::move(parts), "f").hash();
  };
  const auto same = hash_with([](TokenizerParts&) {});
  CHECK(same == golden_tokenizer().hash());
  CHECK(hash_with([](TokenizerParts& parts) { parts.is_nfc = false; }) != same);
  CHECK(hash_with([](TokenizerParts& parts) { parts.added.back().is_special = true; }) != same);
  CHECK(hash_with([](TokenizerParts& parts) { parts.pattern = "a"; }) != same);
  CHECK(hash_with([](TokenizerParts& parts) { parts.added.pop_back(); }) != same);
}

TEST_CASE("a tokenizer without an end of text is a bad file", "[tokenizer]") {
  TokenizerParts parts = parse_tokenizer_json(golden_text("tokenizer.json"), "f");
  parts.added.front().is_special = false;
  CHECK_THROWS_WITH(BpeTokenizer(std::move(parts), "file"),
                    ContainsSubstring("[file] there must be a special token <|endoftext|>"));
}

}  // namespace bpe_tokenizer_test
