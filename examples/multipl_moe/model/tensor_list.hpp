/// The tensors of a model that nobody has made yet.
#pragma once

#include <vector>

#include "multipl_moe/io/model_config.hpp"
#include "multipl_moe/io/sharded_writer.hpp"

namespace multipl_moe {

/// Every weight and, after them, every buffer, as LanguageModel::tensors() has them, without allocating one. Weights
/// have the safetensors dtype `dtype`, buffers F32: thresholds decide, and are few.
std::vector<PlannedTensor> tensor_list(const ModelConfig& config, std::string_view dtype = "F32");

}  // namespace multipl_moe
