#include "multipl_moe/tokenizer/bpe_trainer.hpp"

#include <algorithm>

#include "golden_tokenizer.hpp"
#include "support/catch.hpp"

namespace bpe_trainer_test {

using namespace multipl_moe;
using namespace multipl_moe::testing;

namespace {

std::vector<std::string> learned(const TokenizerParts& parts) {
  std::vector<std::string> tokens;
  for (Token token = 256; token < parts.vocabulary.size(); ++token) tokens.emplace_back(parts.vocabulary[token]);
  return tokens;
}

}  // namespace

TEST_CASE("training finds the merges of the package tokenizers", "[tokenizer]") {
  WordCounts words;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(MOE_TEST_CORPUS))
    if (entry.is_regular_file()) words.add(get_bytes(entry.path()));
  const auto cases = nlohmann::json::parse(golden_text("tokenizer_cases.json"));
  for (const auto& line : cases["lines"]) words.add(line.get<std::string>());
  const TokenizerParts parts = train_bpe(words, 1403);
  const TokenizerParts& golden = golden_tokenizer().parts();
  REQUIRE(parts.merges.size() == golden.merges.size());
  std::size_t same = 0;
  while (same < parts.merges.size() && parts.merges[same] == golden.merges[same]) ++same;
  CHECK(same == golden.merges.size());
  CHECK(learned(parts) == learned(golden));
  CHECK(std::equal(parts.added.begin(), parts.added.end(), golden.added.begin()));
  CHECK(parts.added.size() == 3);
}

TEST_CASE("the most frequent pair is merged first, then the one with the lowest ids", "[tokenizer]") {
  WordCounts words;
  words.add("ab ab ab xcd xcd xef xef");
  // ' x' occurs four times, 'ab' three times, and ' a', 'xc', 'cd', 'xe' and 'ef' twice.
  const auto tokens = learned(train_bpe(words, 259 + 3));
  CHECK(tokens.front() == " x");
  CHECK(learned(train_bpe(words, 259)) == std::vector<std::string>{});
}

TEST_CASE("training ends when no pair occurs twice", "[tokenizer]") {
  WordCounts words;
  words.add("aa bb");
  CHECK(train_bpe(words, 10'000).vocabulary.size() == 256);
  words.add(" bb");
  CHECK(learned(train_bpe(words, 10'000)) == std::vector<std::string>{"bb", " bb"});
}

TEST_CASE("numbers are merged up to the given number of digits", "[tokenizer]") {
  const auto learned_with = [](int digits) {
    WordCounts words(pattern_with_digits(digits));
    words.add("1234 1234 1234");
    const TokenizerParts parts = train_bpe(words, 10'000);
    CHECK(parts.pattern == pattern_with_digits(digits));
    return learned(parts);
  };
  CHECK(pattern_with_digits(1) == qwen_pattern);
  CHECK(learned_with(1) == std::vector<std::string>{});
  CHECK(learned_with(2) == std::vector<std::string>{"12", "34"});
  CHECK(learned_with(3) == std::vector<std::string>{"12", "123"});
}

TEST_CASE("a run of one letter is merged from its beginning", "[tokenizer]") {
  WordCounts words;
  words.add("aaaaa");
  const TokenizerParts parts = train_bpe(words, 10'000);
  CHECK(learned(parts) == std::vector<std::string>{"aa"});
}

TEST_CASE("words are normalized and counted", "[tokenizer]") {
  WordCounts words;
  words.add("e\xcc\x81 x x");
  words.add("é\xff");
  CHECK(words.counts().at("é") == 2);
  CHECK(words.counts().at(" x") == 2);
  CHECK(words.counts().at("\xef\xbf\xbd") == 1);
}

}  // namespace bpe_trainer_test
