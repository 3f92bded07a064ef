/// tokenizer.json, in which Hugging Face's tokenizers keep everything.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "multipl_moe/tokenizer/tokenizer_parts.hpp"

namespace multipl_moe {

/// What the file `text` says. Qwen2's kind alone is read: normalizer NFC or none, pre-tokenizer Split by a regular
/// expression and then ByteLevel, model BPE, decoder ByteLevel, post-processor ByteLevel or none. Throws BadFile naming
/// `path` for whatever would lead to other tokens, and whatever is not known.
TokenizerParts parse_tokenizer_json(std::string_view text, const std::filesystem::path& path);

/// Such a file, which the package `tokenizers` reads as well.
std::string tokenizer_json_text(const TokenizerParts& parts);

}  // namespace multipl_moe
