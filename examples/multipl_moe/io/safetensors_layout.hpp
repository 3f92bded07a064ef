/// The header of a safetensors file that is to be written.
#pragma once

#include <filesystem>
#include <span>
#include <string>

#include "multipl_moe/io/safetensors.hpp"
#include "multipl_moe/io/sharded_writer.hpp"

namespace multipl_moe {

/// Bytes of one tensor. Throws Failure, which names `path`, where its dtype is unknown or its shape impossible.
std::uint64_t planned_bytes(const std::filesystem::path& path, const PlannedTensor& tensor);

/// The 8 bytes of its length and the header itself, filled up so that the data begin at a multiple of 8. The tensors
/// lie one after another in the order given. Throws Failure as planned_bytes(), and where a name is taken.
std::string safetensors_header(const std::filesystem::path& path, std::span<const PlannedTensor> tensors,
                               const TensorMetadata& metadata);

}  // namespace multipl_moe
