/// Checks before a model reads text: model, tokenizer and text must belong together.
#pragma once

#include <string>
#include <string_view>

#include "multipl_moe/data/batch_stream.hpp"
#include "multipl_moe/model/language_model.hpp"

namespace multipl_moe {

/// Throws BadFile that names `folder` if the vocabulary of its model, `config`, is smaller than that of its tokenizer.
void require_tokenizer_fits(const std::string& folder, const ModelConfig& config, const Tokenizer& tokenizer);

/// Opens the token files of a split in `data`. `tokenizer` is that of the model in the folder `model`, or that of
/// --tokenizer if `model` is empty. Throws BadFile if the text was made with another tokenizer, naming both and the
/// remedy; otherwise as open_language_files().
LanguageFiles open_text(const std::string& data, std::string_view split, const Tokenizer& tokenizer,
                        const std::string& model);

}  // namespace multipl_moe
