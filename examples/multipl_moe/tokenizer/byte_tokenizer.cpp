#include "multipl_moe/tokenizer/byte_tokenizer.hpp"

namespace multipl_moe {

std::vector<Token> ByteTokenizer::encode(std::string_view text) const {
  std::vector<Token> tokens;
  tokens.reserve(text.size());
  for (const char byte : text) tokens.push_back(static_cast<unsigned char>(byte));
  return tokens;
}

std::string ByteTokenizer::decode(std::span<const Token> tokens) const {
  std::string text;
  text.reserve(tokens.size());
  for (const Token token : tokens)
    if (token < end) text.push_back(static_cast<char>(token));
  return text;
}

}  // namespace multipl_moe
