/// What files beside a tokenizer's own may say of it: tokenizer_config.json, added_tokens.json,
/// special_tokens_map.json.
#pragma once

#include "multipl_moe/tokenizer/tokenizer_parts.hpp"
#include "multipl_moe/tokenizer/vocabulary_files.hpp"

namespace multipl_moe {

/// tokenizer_config.json beside a tokenizer.json. Throws BadFile for options that would lead to other tokens and for an
/// added token that `parts` has not; what would lead to other text when decoding, or to another kind of tokenizer in
/// transformers, is said once.
void check_tokenizer_config(NamedText file, const TokenizerParts& parts);
/// added_tokens.json: names and numbers. Throws BadFile for one that `parts` has not.
void check_added_tokens(NamedText file, const TokenizerParts& parts);
/// special_tokens_map.json: what each special token is for. Throws BadFile for one that is not special in `parts`.
void check_special_tokens(NamedText file, const TokenizerParts& parts);

}  // namespace multipl_moe
