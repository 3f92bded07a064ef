/// vocab.json and merges.txt, with an optional tokenizer_config.json: the format of tokenizers before tokenizer.json.
#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string_view>
#include <vector>

#include "multipl_moe/tokenizer/raw_vocabulary.hpp"
#include "multipl_moe/tokenizer/tokenizer_parts.hpp"

namespace multipl_moe {

/// The bytes and the path of a file.
struct NamedText {
  std::string_view text;
  const std::filesystem::path& path;
};

/// Throws BadFile.
void parse_vocabulary_json(NamedText file, RawVocabulary& raw);
/// One line per merge, two tokens with a space between them; a first line that begins with #version is skipped. Throws
/// BadFile.
void parse_merges_text(NamedText file, RawVocabulary& raw);
/// The added tokens of an object `added_tokens_decoder`, by id. Throws BadFile.
std::vector<AddedToken> added_tokens_of(const nlohmann::json& decoder, const std::filesystem::path& path);
/// The added tokens in the tokenizer_config.json of a Qwen2Tokenizer. Throws BadFile for another class and for options
/// that would lead to other tokens.
std::vector<AddedToken> parse_tokenizer_config(NamedText file);

/// The tokenizer of the three files: Qwen's pattern, NFC, and the config's added tokens. Without a config (null), the
/// only added token is `<|endoftext|>`, which Qwen2's tokenizer adds to any vocabulary. Throws BadFile.
TokenizerParts parse_vocabulary_files(NamedText vocabulary, NamedText merges, const NamedText* config);

}  // namespace multipl_moe
