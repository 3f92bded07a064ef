/// Makes the layer in place of the dense FFN from a configuration.
#pragma once

#include "moe/backend/cpu/cpu.hpp"
#include "moe/backend/shape/shape.hpp"
#include "moe/core/bfloat16.hpp"
#include "moe/runtime/any_layer.hpp"
#include "multipl_moe/io/model_config.hpp"

namespace multipl_moe {

using Layer = moe::AnyLayer<float, moe::Cpu<>>;
using BFloat16Layer = moe::AnyLayer<moe::BFloat16, moe::Cpu<>>;
using LayerShape = moe::AnyLayer<float, moe::Shape>;

/// The layer that `config` names; all weights are 0 except those of a learned fusion.
Layer make_layer(const ModelConfig& config);
/// The same layer with weights in bfloat16.
BFloat16Layer make_bfloat16_layer(const ModelConfig& config);
/// The same layer without memory, for counting parameters.
LayerShape make_layer_shape(const ModelConfig& config);

}  // namespace multipl_moe
