/// A model's tensors as safetensors files, in float32.
#pragma once

#include <filesystem>
#include <span>

#include "multipl_moe/model/language_model.hpp"

namespace multipl_moe {

/// Throws Failure, IoError.
void write_tensors(const std::filesystem::path& path, std::span<const TensorSlot> slots);

/// Fills every slot. Throws BadFile where a tensor is missing, unknown, or of another shape than its slot; IoError.
void read_tensors(const std::filesystem::path& path, std::span<const TensorSlot> slots);

bool is_finite(const TensorSlot& slot);

}  // namespace multipl_moe
