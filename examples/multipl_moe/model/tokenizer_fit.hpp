/// Checks that a model's vocabulary has a row for every token of its tokenizer.
#pragma once

#include <optional>
#include <string>

#include "multipl_moe/io/model_config.hpp"
#include "multipl_moe/tokenizer/tokenizer.hpp"

namespace multipl_moe {

/// The rule and the values found if the vocabulary of `config` is too small for `tokenizer`; empty if it is not. A
/// model without text, whose weights alone are read and written, may have a vocabulary smaller than the byte
/// tokenizer's.
std::optional<std::string> misfit_of(const Tokenizer& tokenizer, const ModelConfig& config);

}  // namespace multipl_moe
