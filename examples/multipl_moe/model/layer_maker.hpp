/// Models whose layers the caller makes, for layers that no configuration names.
#pragma once

#include <functional>
#include <memory>

#include "multipl_moe/model/language_model.hpp"
#include "multipl_moe/model/layers.hpp"

namespace multipl_moe {

/// Makes the layer that replaces the FFN of a decoder layer, all weights 0.
using LayerMaker = std::function<Layer(const ModelConfig&)>;

/// A model with make(config) as every layer's FFN, in place of the configured one.
std::unique_ptr<LanguageModel> make_language_model(const ModelConfig& config, int threads, const LayerMaker& make);

}  // namespace multipl_moe
