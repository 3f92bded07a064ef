/// Checks the files beside a tokenizer's own: tokenizer_config.json, added_tokens.json, special_tokens_map.json.
#pragma once

#include "multipl_moe/tokenizer/tokenizer_parts.hpp"
#include "multipl_moe/tokenizer/vocabulary_files.hpp"

namespace multipl_moe {

/// Checks a tokenizer_config.json beside a tokenizer.json. Throws BadFile for options that would lead to other tokens
/// and for an added token that `parts` does not have. Warns once of options that would change decoded text, and of
/// another kind of tokenizer in transformers.
void check_tokenizer_config(NamedText file, const TokenizerParts& parts);
/// Checks an added_tokens.json, names and ids. Throws BadFile for a token that `parts` does not have.
void check_added_tokens(NamedText file, const TokenizerParts& parts);
/// Checks a special_tokens_map.json, the roles of special tokens. Throws BadFile for a token that is not special in
/// `parts`.
void check_special_tokens(NamedText file, const TokenizerParts& parts);

}  // namespace multipl_moe
