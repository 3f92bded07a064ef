/// Tokens as text that a reader can see: a token may hold a part of a character, control characters, or no text.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "multipl_moe/tokenizer/tokenizer.hpp"

namespace multipl_moe {

struct ShownToken {
  std::string text;  ///< valid UTF-8 without control characters but tabs and newlines; never empty
  std::string note;  ///< what `text` does not say, such as "byte A9 of é"; often empty

  bool operator==(const ShownToken&) const = default;
};

/// One entry for each token. A character that several tokens share is shown by its first token; the others show "·" for
/// it. Bytes that are not UTF-8 are shown in hexadecimal, control characters as their pictures, and characters that
/// change the direction of the text by their numbers.
std::vector<ShownToken> shown_tokens(std::span<const Token> tokens, const Tokenizer& tokenizer);

}  // namespace multipl_moe
