#include "multipl_moe/data/train_tokenizer.hpp"

#include "../tokenizer/golden_tokenizer.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/tokenizer/bpe_tokenizer.hpp"
#include "support/catch.hpp"

namespace train_tokenizer_test {

using namespace multipl_moe;
using namespace multipl_moe::testing;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("a tokenizer is trained on folders and does not depend on their location", "[tokenizer]") {
  const ScratchFolder scratch;
  std::filesystem::copy(MOE_TEST_CORPUS, scratch / "elsewhere", std::filesystem::copy_options::recursive);
  const auto here = train_tokenizer({.sources = {MOE_TEST_CORPUS}, .vocab_size = 500, .max_bytes = 3000});
  const auto there = train_tokenizer({.sources = {scratch / "elsewhere"}, .vocab_size = 500, .max_bytes = 3000});
  CHECK(here.parts.vocabulary.size() == 497);
  CHECK(tokenizer_json_text(here.parts) == tokenizer_json_text(there.parts));
  const auto all = train_tokenizer({.sources = {MOE_TEST_CORPUS, scratch / "elsewhere"}, .vocab_size = 500});
  CHECK(all.files == 18);
  CHECK(all.bytes > here.bytes);
  CHECK(tokenizer_json_text(all.parts) ==
        tokenizer_json_text(train_tokenizer({.sources = {MOE_TEST_CORPUS}, .vocab_size = 500}).parts));
}

TEST_CASE("a tokenizer is not trained on text that prepare holds out", "[tokenizer]") {
  const ScratchFolder scratch;
  // A word in each file, often enough to become a token.
  for (int i = 0; i < 12; ++i) {
    std::string text;
    for (int line = 0; line < 9; ++line) text += std::string(5, static_cast<char>('a' + i)) + "qz\n";
    put_bytes(scratch / ("src/" + std::to_string(i) + ".py"), text);
  }
  const auto splits = split_documents(walk_sources({scratch / "src"}), {})[index_of(Language::python)].splits;
  const auto check_learned = [&](const HeldOut& held_out, const auto& expected) {
    TrainedTokenizer trained = train_tokenizer({.sources = {scratch / "src"}, .vocab_size = 600, .held_out = held_out});
    const BpeTokenizer tokenizer(std::move(trained.parts), scratch / "tokenizer.json");
    for (const Split split : all_splits)
      for (const Document& document : splits[index_of(split)]) {
        const std::string word = read_document(document).substr(0, 7);
        INFO(word << " of " << name_of(split));
        CHECK((tokenizer.encode(word).size() == 1) == expected(split));
      }
  };
  const auto of_training = [](Split split) { return split == Split::train; };
  CHECK(splits[index_of(Split::dev)].size() == 1);
  check_learned({}, of_training);
  check_learned({.dev = 0, .test = 0}, [](Split) { return true; });
  // The training text of another language may have a copy of this language's held-out text.
  for (const Split split : {Split::dev, Split::test})
    for (const Document& document : splits[index_of(split)])
      std::filesystem::copy_file(document.path, scratch / ("src/" + std::string(name_of(split)) + ".rb"));
  check_learned({}, of_training);
}

TEST_CASE("invalid options of tokenizer training are refused", "[tokenizer]") {
  const ScratchFolder scratch;
  CHECK_THROWS_WITH(train_tokenizer({.sources = {MOE_TEST_CORPUS}, .vocab_size = 258}),
                    ContainsSubstring("259 to 524288 tokens, found 258"));
  CHECK_THROWS_AS(train_tokenizer({.sources = {MOE_TEST_CORPUS}, .max_bytes = -1}), UsageError);
  CHECK_THROWS_WITH(train_tokenizer({.sources = {MOE_TEST_CORPUS}, .digits = 4}), ContainsSubstring("1 to 3 digits"));
  CHECK_THROWS_AS(train_tokenizer({.sources = {MOE_TEST_CORPUS}, .digits = 0}), UsageError);
  CHECK_THROWS_AS(train_tokenizer({.sources = {MOE_TEST_CORPUS}, .held_out = {.dev = 0.5}}), UsageError);
  CHECK_THROWS_WITH(train_tokenizer({.sources = {scratch.path()}}), ContainsSubstring("found none"));
}

}  // namespace train_tokenizer_test
