#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string_view>

#include "multipl_moe/tokenizer/raw_vocabulary.hpp"

namespace multipl_moe {

/// Where a JSON file holds its tokens.
enum class VocabularyPlace {
  model,  ///< tokenizer.json: at model.vocab, and merges at model.merges
  root,   ///< vocab.json: the file is the vocabulary
};

/// Parses `text` and adds the tokens and merges to `raw`, without building a JSON value for each of a hundred thousand.
/// Returns the rest, with null in place of tokens and merges. Refuses what parse_strict_json() refuses. Throws BadFile.
nlohmann::json parse_tokenizer_events(std::string_view text, VocabularyPlace place, RawVocabulary& raw,
                                      const std::filesystem::path& path);

}  // namespace multipl_moe
