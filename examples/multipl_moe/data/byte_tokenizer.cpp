#include "multipl_moe/data/byte_tokenizer.hpp"

namespace multipl_moe {

std::vector<Token> ByteTokenizer::encode(std::string_view text) {
  std::vector<Token> tokens;
  tokens.reserve(text.size());
  for (const char byte : text) tokens.push_back(static_cast<unsigned char>(byte));
  return tokens;
}

std::string ByteTokenizer::decode(std::span<const Token> tokens) {
  std::string text;
  text.reserve(tokens.size());
  for (const Token token : tokens)
    if (token < end_of_text) text.push_back(static_cast<char>(token));
  return text;
}

}  // namespace multipl_moe
