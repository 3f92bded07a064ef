/// The model in bfloat16.
#pragma once

#include <memory>

#include "multipl_moe/model/language_model.hpp"

namespace multipl_moe {

/// make_language_model() with ModelDtype::bfloat16.
std::unique_ptr<LanguageModel> make_bfloat16_model(const ModelConfig& config, int threads, const ExpertSpread& spread);

}  // namespace multipl_moe
