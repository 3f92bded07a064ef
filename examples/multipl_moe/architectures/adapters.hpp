/// Shared by LoRA and MoLE: adapters on layers whose own weights are frozen.
#pragma once

#include "multipl_moe/io/architecture.hpp"
#include "multipl_moe/model/layer_work.hpp"

namespace multipl_moe {

/// Limits of rank and alpha. MoLE's adapter for other text has the sum of two ranks, which must not overflow.
inline constexpr double highest_rank = 1 << 23, smallest_alpha = 1e-6, largest_alpha = 1e6;

/// Sets a mixture without segment experts and without a shared expert.
void publish_adapters(MoeConfig& moe);
moe::TrainByName trains_adapters(const ModelConfig& config);
bool no_constant_gates(const MoeConfig& moe);
/// Throws UsageError if `start` has noise or reinitialized channels: both apply only to copies of the dense FFN.
void check_start_of_adapters(const ModelConfig& config, const moe::Upcycling& start);
void narrow_nothing(MoeConfig& moe);

}  // namespace multipl_moe
