#include "multipl_moe/tokenizer/byte_tokenizer.hpp"

#include "support/catch.hpp"

namespace byte_tokenizer_test {

using namespace multipl_moe;

TEST_CASE("every byte is its own token") {
  std::string text;
  for (int byte = 0; byte < 256; ++byte) text.push_back(static_cast<char>(byte));
  const std::vector<Token> tokens = ByteTokenizer().encode(text);
  REQUIRE(tokens.size() == 256);
  for (Token token = 0; token < 256; ++token) CHECK(tokens[token] == token);
  CHECK(ByteTokenizer().decode(tokens) == text);
}

TEST_CASE("the end of a text is a token without bytes") {
  CHECK(ByteTokenizer::end < ByteTokenizer().vocab_size());
  CHECK(ByteTokenizer().byte_length(ByteTokenizer::end) == 0);
  CHECK(ByteTokenizer().byte_length(255) == 1);
  const std::vector<Token> tokens{'a', ByteTokenizer::end, 'b', 70'000};
  CHECK(ByteTokenizer().decode(tokens) == "ab");
}

}  // namespace byte_tokenizer_test
