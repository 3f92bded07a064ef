/// The alphabet in which files write tokens: a character for every byte, none of them a space or a control character.
#pragma once

#include <string>
#include <string_view>

namespace multipl_moe {

/// `bytes` in the alphabet: bytes that print as themselves in Latin-1 are their own characters, the others follow from
/// U+0100 on (GPT-2's bytes_to_unicode).
std::string spelled(std::string_view bytes);

/// All bytes in the order of their characters, which is that of their tokens in GPT-2's and Qwen's vocabularies.
std::string bytes_in_order();

/// Turns what `text` spells into the bytes, in place. False, and `text` as it was, where a character is not of the
/// alphabet.
bool unspell(std::string& text);

}  // namespace multipl_moe
