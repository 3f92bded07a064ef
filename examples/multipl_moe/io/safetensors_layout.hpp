/// The header of a safetensors file to be written.
#pragma once

#include <filesystem>
#include <span>
#include <string>

#include "multipl_moe/io/safetensors.hpp"
#include "multipl_moe/io/sharded_writer.hpp"

namespace multipl_moe {

/// Bytes of one tensor. Throws Failure, which names `path`, if its dtype is unknown or its shape invalid.
std::uint64_t planned_bytes(const std::filesystem::path& path, const PlannedTensor& tensor);

/// The 8-byte length and the header itself, padded so that the data begin at a multiple of 8. The tensors follow one
/// another in the given order. Throws Failure as planned_bytes(), and if a name occurs twice or is reserved.
std::string safetensors_header(const std::filesystem::path& path, std::span<const PlannedTensor> tensors,
                               const TensorMetadata& metadata);

}  // namespace multipl_moe
