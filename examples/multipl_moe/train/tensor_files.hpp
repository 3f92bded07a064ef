/// Writes a model's tensors to safetensors files and reads them back.
#pragma once

#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

#include "multipl_moe/io/safetensors.hpp"
#include "multipl_moe/io/stored_model.hpp"
#include "multipl_moe/model/language_model.hpp"

namespace multipl_moe {

/// The tensors that a writer of a model's weights and buffers plans: weights in the safetensors dtype `dtype`, buffers
/// in F32. If `dtype` is BF16 and the model's own, the weights that it has in float stay F32.
std::vector<PlannedTensor> planned_weights(std::span<const TensorRef> tensors, std::string_view dtype = "F32");
/// Writes their values and finishes the files; `writer` must have planned exactly these. Throws ValueTooLarge, IoError.
void write_weights(ShardedWriter& writer, std::span<const TensorRef> tensors);

/// Fills a tensor, from any float dtype. Returns whether all values are finite. Throws UsageError if a value of a tensor in BF16 is none of bfloat16; as
/// StoredModel::read_floats().
bool read_weight(const StoredModel& model, const TensorRef& tensor);
/// Fills every tensor. Throws BadFile if one is missing, unknown, or has another shape; as read_weight().
void read_weights(const StoredModel& model, std::span<const TensorRef> tensors);

/// The same for optimizer state, whose files have its own dtypes.
std::vector<PlannedTensor> planned_state(std::span<const TensorRef> state);
void write_state(ShardedWriter& writer, std::span<const TensorRef> state);
/// Throws as read_weights(), and BadFile for another dtype.
void read_state(const TensorFolder& folder, std::span<const TensorRef> state);

}  // namespace multipl_moe
