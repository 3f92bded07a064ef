#pragma once

#include <string>
#include <vector>

#include "multipl_moe/tokenizer/added_tokens.hpp"
#include "multipl_moe/tokenizer/merge_table.hpp"
#include "multipl_moe/tokenizer/pattern.hpp"
#include "multipl_moe/tokenizer/vocabulary.hpp"

namespace multipl_moe {

/// The name of the end-of-text token, which every BPE tokenizer here must have.
inline constexpr std::string_view end_of_text_name = "<|endoftext|>";

/// The validated contents of the files of a byte-level BPE tokenizer: ids count from 0 without gaps, every byte is a
/// token, merges consist of tokens, and added tokens have distinct names.
struct TokenizerParts {
  Vocabulary vocabulary;          ///< bytes and merged tokens; may also hold added tokens
  MergeTable merges;              ///< by rank
  std::vector<AddedToken> added;  ///< by id; those that are not in the vocabulary have the ids from its size on
  std::string pattern{qwen_pattern};
  bool is_nfc = true;  ///< text is normalized to Unicode's form C first
};

}  // namespace multipl_moe
