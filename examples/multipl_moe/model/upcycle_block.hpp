/// Upcycles one decoder layer of a dense model to a mixture.
#pragma once

#include <cstdint>

#include "moe/train/upcycle.hpp"
#include "multipl_moe/io/model_config.hpp"
#include "multipl_moe/model/block.hpp"
#include "multipl_moe/model/layers.hpp"

namespace multipl_moe {

/// The configuration of the mixture that `dense` is upcycled to. Throws UsageError if `dense` is a mixture itself, if
/// sizes do not fit, or if `start` requests more than the architecture has.
ModelConfig upcycled_config(const ModelConfig& dense, const MoeConfig& mixture, const moe::Upcycling& start);

/// Fills layer `number` of the mixture: norms and attention are copied from the dense model, the FFN starts as `start`
/// describes. Random draws are keyed by the weights' names in the whole model. Throws moe::Error if FFN sizes differ.
void upcycle_block(const Layer::Context& context, const MoeConfig& mixture, Block<Layer>& dense, Block<Layer>& block,
                   const moe::Upcycling& start, std::int64_t number);

}  // namespace multipl_moe
