/// vocab.json and merges.txt, with tokenizer_config.json where there is one: what tokenizers were kept in before there
/// was tokenizer.json.
#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string_view>
#include <vector>

#include "multipl_moe/tokenizer/raw_vocabulary.hpp"
#include "multipl_moe/tokenizer/tokenizer_parts.hpp"

namespace multipl_moe {

/// A file's bytes and what to call it.
struct NamedText {
  std::string_view text;
  const std::filesystem::path& path;
};

/// Throws BadFile.
void parse_vocabulary_json(NamedText file, RawVocabulary& raw);
/// A line for each merge, two tokens with a space between; a first line that begins with #version is none.
/// Throws BadFile.
void parse_merges_text(NamedText file, RawVocabulary& raw);
/// The added tokens of an object `added_tokens_decoder`, by number. Throws BadFile.
std::vector<AddedToken> added_tokens_of(const nlohmann::json& decoder, const std::filesystem::path& path);
/// `added_tokens_decoder` of a Qwen2Tokenizer's tokenizer_config.json. Throws BadFile for another class, and for
/// options that would lead to other tokens.
std::vector<AddedToken> parse_tokenizer_config(NamedText file);

/// What the three say together: Qwen's pattern, NFC, and the config's added tokens. Without a config (null) it is
/// `<|endoftext|>` alone, which Qwen2's tokenizer adds to any vocabulary. Throws BadFile.
TokenizerParts parse_vocabulary_files(NamedText vocabulary, NamedText merges, const NamedText* config);

}  // namespace multipl_moe
