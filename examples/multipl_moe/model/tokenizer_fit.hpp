/// Whether a model has a row for every token that its tokenizer makes.
#pragma once

#include <optional>
#include <string>

#include "multipl_moe/io/model_config.hpp"
#include "multipl_moe/tokenizer/tokenizer.hpp"

namespace multipl_moe {

/// Rule and values where the vocabulary of `config` is too small for `tokenizer`; empty where it is not. A model
/// without text, of which weights alone are read and written, may have a vocabulary smaller than that of bytes.
std::optional<std::string> misfit_of(const Tokenizer& tokenizer, const ModelConfig& config);

}  // namespace multipl_moe
