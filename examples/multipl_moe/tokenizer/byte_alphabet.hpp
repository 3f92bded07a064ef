/// The byte-level alphabet of tokenizer files: one character for every byte, none of them a space or a control
/// character.
#pragma once

#include <string>
#include <string_view>

namespace multipl_moe {

/// `bytes` in the alphabet: a byte that is printable in Latin-1 is its own character, the others are numbered from
/// U+0100 on (GPT-2's bytes_to_unicode).
std::string spelled(std::string_view bytes);

/// All bytes in the order of their characters, which is the order of their tokens in GPT-2's and Qwen's vocabularies.
std::string bytes_in_order();

/// Converts `text` from the alphabet to bytes, in place. Returns false, and leaves `text` unchanged, if a character is
/// not in the alphabet.
bool unspell(std::string& text);

}  // namespace multipl_moe
