/// The composition of a configuration, by name.
#pragma once

#include "moe/runtime/composition.hpp"
#include "multipl_moe/io/model_config.hpp"

namespace multipl_moe {

/// Names and sizes of the layer in place of the dense FFN, from which a moe::Registry makes it.
moe::Composition composition_of(const ModelConfig& config);

}  // namespace multipl_moe
