#include "multipl_moe/tokenizer/train_tokenizer.hpp"

#include "golden_tokenizer.hpp"
#include "multipl_moe/io/errors.hpp"
#include "support/catch.hpp"

using namespace multipl_moe;
using namespace multipl_moe::testing;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("a tokenizer learns from folders, the same wherever they lie", "[tokenizer]") {
  const ScratchFolder scratch;
  std::filesystem::copy(MOE_TEST_CORPUS, scratch / "elsewhere", std::filesystem::copy_options::recursive);
  const auto here = train_tokenizer({.sources = {MOE_TEST_CORPUS}, .vocab_size = 500, .max_bytes = 3000});
  const auto there = train_tokenizer({.sources = {scratch / "elsewhere"}, .vocab_size = 500, .max_bytes = 3000});
  CHECK(here.parts.vocabulary.size() == 497);
  CHECK(tokenizer_json_text(here.parts) == tokenizer_json_text(there.parts));
  const auto all = train_tokenizer({.sources = {MOE_TEST_CORPUS, scratch / "elsewhere"}, .vocab_size = 500});
  CHECK(all.files == 30);
  CHECK(all.bytes > here.bytes);
  CHECK(tokenizer_json_text(all.parts) ==
        tokenizer_json_text(train_tokenizer({.sources = {MOE_TEST_CORPUS}, .vocab_size = 500}).parts));
}

TEST_CASE("impossible wishes are refused", "[tokenizer]") {
  const ScratchFolder scratch;
  CHECK_THROWS_WITH(train_tokenizer({.sources = {MOE_TEST_CORPUS}, .vocab_size = 258}),
                    ContainsSubstring("259 to 524288 tokens, found 258"));
  CHECK_THROWS_AS(train_tokenizer({.sources = {MOE_TEST_CORPUS}, .max_bytes = -1}), UsageError);
  CHECK_THROWS_WITH(train_tokenizer({.sources = {scratch.path()}}), ContainsSubstring("found none"));
}
