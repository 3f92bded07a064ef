/// tokenizer.json, the format of Hugging Face's tokenizers with everything in one file.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "multipl_moe/tokenizer/tokenizer_parts.hpp"

namespace multipl_moe {

/// Parses the file `text`. Only tokenizers of Qwen2's kind are supported: normalizer NFC or none, pre-tokenizer Split
/// by a regular expression and then ByteLevel, model BPE, decoder ByteLevel, post-processor ByteLevel or none. Throws
/// BadFile, which names `path`, for settings that would lead to other tokens and for unknown fields.
TokenizerParts parse_tokenizer_json(std::string_view text, const std::filesystem::path& path);

/// The text of such a file, which the package `tokenizers` can read too.
std::string tokenizer_json_text(const TokenizerParts& parts);

}  // namespace multipl_moe
