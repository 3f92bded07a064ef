/// How one decoder layer of a mixture starts from the dense model's.
#pragma once

#include <cstdint>

#include "moe/train/upcycle.hpp"
#include "multipl_moe/io/model_config.hpp"
#include "multipl_moe/model/block.hpp"
#include "multipl_moe/model/layers.hpp"

namespace multipl_moe {

/// The configuration of the mixture that grows out of `dense`. Throws UsageError where `dense` is a mixture itself,
/// where sizes do not fit, and where `start` asks for more than the architecture has.
ModelConfig upcycled_config(const ModelConfig& dense, const MoeConfig& mixture, const moe::Upcycling& start);

/// Layer `number` of the mixture: norms and attention are the dense model's, the FFN starts as `start` says. What is
/// drawn depends on the weights' names in the whole model. Throws moe::Error for FFNs of other sizes.
void upcycle_block(const Layer::Context& context, const MoeConfig& mixture, Block<Layer>& dense, Block<Layer>& block,
                   const moe::Upcycling& start, std::int64_t number);

}  // namespace multipl_moe
