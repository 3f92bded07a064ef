#pragma once

#include <string>
#include <vector>

#include "multipl_moe/tokenizer/added_tokens.hpp"
#include "multipl_moe/tokenizer/merge_table.hpp"
#include "multipl_moe/tokenizer/pattern.hpp"
#include "multipl_moe/tokenizer/vocabulary.hpp"

namespace multipl_moe {

/// The token that ends a text in every tokenizer of ours.
inline constexpr std::string_view end_of_text_name = "<|endoftext|>";

/// What the files of a byte-level BPE tokenizer say, checked: tokens are numbered from 0 without gaps, every byte is
/// one, merges are of tokens, and names of added tokens are their own.
struct TokenizerParts {
  Vocabulary vocabulary;          ///< what merges lead to; it may hold added tokens too
  MergeTable merges;              ///< by rank
  std::vector<AddedToken> added;  ///< by id; those that the vocabulary lacks are numbered on from its size
  std::string pattern{qwen_pattern};
  bool is_nfc = true;  ///< text is normalized to Unicode's form C first
};

}  // namespace multipl_moe
