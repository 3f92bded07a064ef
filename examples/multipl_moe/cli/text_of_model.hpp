/// What a command checks before a model reads text: that model, tokenizer and text belong together.
#pragma once

#include <string>
#include <string_view>

#include "multipl_moe/data/batch_stream.hpp"
#include "multipl_moe/model/language_model.hpp"

namespace multipl_moe {

/// Throws BadFile naming the folder where the vocabulary of its model, `config`, does not hold the tokens of its
/// tokenizer.
void require_tokenizer_fits(const std::string& folder, const ModelConfig& config, const Tokenizer& tokenizer);

/// The token files of a split in `data`, for the tokenizer of the model in the folder `model`, or of --tokenizer where
/// that is empty. Throws BadFile that names both tokenizers and what to do where the text is of another one; as
/// open_language_files().
LanguageFiles open_text(const std::string& data, std::string_view split, const Tokenizer& tokenizer,
                        const std::string& model);

}  // namespace multipl_moe
