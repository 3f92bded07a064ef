#include "multipl_moe/data/evaluation_text.hpp"

#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/scratch.hpp"
#include "multipl_moe/tokenizer/byte_tokenizer.hpp"
#include "support/catch.hpp"

namespace evaluation_text_test {

using namespace multipl_moe;
using namespace multipl_moe::testing;

namespace {

constexpr Token end = ByteTokenizer::end;

TokenFile file_of(const ScratchFolder& folder, const std::vector<std::vector<Token>>& documents) {
  TokenFileWriter writer(folder / "f", 257, 7);
  for (const auto& document : documents) writer.append(document);
  writer.finish();
  return TokenFile::open(folder / "f");
}

/// A tokenizer in which the byte length of a token is its id.
struct LongTokens final : Tokenizer {
  std::string name() const override { return "long tokens"; }
  std::int64_t vocab_size() const override { return 257; }
  Token end_of_text() const override { return end; }
  std::uint64_t hash() const override { return 7; }
  std::vector<Token> encode(std::string_view) const override { return {}; }
  std::vector<Token> encode_with_special(std::string_view) const override { return {}; }
  std::vector<TextPart> split_at_special(std::string_view text) const override { return {{text}}; }
  std::string decode(std::span<const Token>) const override { return {}; }
  std::int64_t byte_length(Token token) const override { return token == end ? 0 : std::int64_t{token}; }
  void write_files(const std::filesystem::path&) const override {}
};

EvaluationText text_of(const TokenFile& file, std::int64_t length, const EvaluationLimits& limits = {}) {
  return evaluation_text(file, length, limits, ByteTokenizer());
}

}  // namespace

TEST_CASE("a held-out file is cut into consecutive sequences") {
  const ScratchFolder folder;
  const TokenFile file = file_of(folder, {{1, 2, 3}, {4}, {5, 6}});  // 1 2 3 end 4 end 5 6 end
  const EvaluationText text = text_of(file, 3);
  CHECK(text.sequences == 2);
  CHECK(text.length == 3);
  CHECK(text.tokens == std::vector<Token>{1, 2, 3, end, 4, end});
  CHECK(text.targets == std::vector<Token>{2, 3, end, 4, end, 5});
  CHECK(text.bytes == 4);
}

TEST_CASE("limits bound the total bytes and the tokens of each document") {
  const ScratchFolder folder;
  const TokenFile file = file_of(folder, {{1, 2, 3}, {4}, {5, 6}});
  CHECK(text_of(file, 1, {.bytes = 4}).tokens == std::vector<Token>{1, 2, 3, end, 4});
  CHECK(text_of(file, 1, {.bytes = 3}).tokens == std::vector<Token>{1, 2, 3});
  CHECK(text_of(file, 1, {.document_tokens = 1}).tokens == std::vector<Token>{1, end, 4, end, 5});
  CHECK(text_of(file, 1, {.bytes = 2, .document_tokens = 1}).targets == std::vector<Token>{end, 4, end});
}

TEST_CASE("bytes are counted by the tokenizer") {
  const ScratchFolder folder;
  const TokenFile file = file_of(folder, {{1, 2, 3, 4}});
  CHECK(evaluation_text(file, 2, {}, LongTokens()).bytes == 2 + 3 + 4);
}

TEST_CASE("a text shorter than one sequence is refused") {
  const ScratchFolder folder;
  const TokenFile file = file_of(folder, {{1, 2, 3}});
  CHECK_NOTHROW(text_of(file, 3));
  CHECK_THROWS_AS(text_of(file, 4), BadFile);
  CHECK_THROWS_AS(text_of(file, 3, {.bytes = 2}), BadFile);
  CHECK_THROWS_AS(text_of(file, 0), UsageError);
  CHECK_THROWS_AS(text_of(file_of(folder, {}), 1), BadFile);
}

}  // namespace evaluation_text_test
