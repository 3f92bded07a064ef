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

/// The tensors that a writer of `slots` plans: weights in the safetensors dtype `dtype`, buffers in F32. If `dtype` is
/// BF16 and the model's own, the weights that it has in float stay F32.
std::vector<PlannedTensor> planned(std::span<const TensorSlot> slots, std::string_view dtype = "F32");

/// The same for optimizer state, in its own dtypes.
std::vector<PlannedTensor> planned(std::span<const StateTensor> state);

/// Writes all slots from their memory and finishes the files; `writer` must have planned exactly these. Throws
/// ValueTooLarge, IoError.
void write_tensors(ShardedWriter& writer, std::span<const TensorSlot> slots);
void write_tensors(ShardedWriter& writer, std::span<const StateTensor> state);

/// Fills a slot, from any float dtype. Throws UsageError if a value of a slot in BF16 is none of bfloat16; as
/// StoredModel::read_floats().
void read_tensor(const StoredModel& model, const TensorSlot& slot);
/// Fills every slot. Throws BadFile if a tensor is missing, unknown, or has another shape than its slot; as
/// read_tensor().
void read_tensors(const StoredModel& model, std::span<const TensorSlot> slots);

/// Fills the optimizer state. Throws as above, and BadFile for another dtype.
void read_tensors(const TensorFolder& folder, std::span<const StateTensor> state);

bool is_finite(const TensorSlot& slot);

}  // namespace multipl_moe
