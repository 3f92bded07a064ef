/// What stands in place of the dense FFN, by the names in config.json.
#pragma once

#include "moe/backend/cpu/cpu.hpp"
#include "moe/backend/shape/shape.hpp"
#include "moe/runtime/any_layer.hpp"
#include "multipl_moe/io/model_config.hpp"

namespace multipl_moe {

using Layer = moe::AnyLayer<float, moe::Cpu<>>;
using LayerShape = moe::AnyLayer<float, moe::Shape>;

/// The layer that `config` names, all weights 0 but a learned fusion's.
Layer make_layer(const ModelConfig& config);
/// The same without memory, to be counted.
LayerShape make_layer_shape(const ModelConfig& config);

}  // namespace multipl_moe
