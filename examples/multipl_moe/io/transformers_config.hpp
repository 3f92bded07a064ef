/// config.json of an exported model, as Hugging Face transformers writes it.
#pragma once

#include <string>
#include <string_view>

#include "multipl_moe/io/generation_config.hpp"
#include "multipl_moe/io/model_config.hpp"
#include "multipl_moe/io/transformers_family.hpp"

namespace multipl_moe {

/// The class that `config` is exported as. Throws UsageError, with the reason, if transformers has none.
const TransformersFamily& export_family(const ModelConfig& config);
/// config.json with every field that transformers requires; ids of special tokens are those of `generation`.
std::string to_transformers_json_text(const ModelConfig& config, std::string_view torch_dtype,
                                      const GenerationConfig& generation);

}  // namespace multipl_moe
