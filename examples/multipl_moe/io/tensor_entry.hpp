/// The library's descriptions of tensors under the program's names.
#pragma once

#include "moe/safetensors/tensor_entry.hpp"

namespace multipl_moe {

using moe::io::default_shard_bytes;
using moe::io::PlannedTensor;
using moe::io::TensorEntries;
using moe::io::TensorEntry;
using moe::io::TensorMetadata;

}  // namespace multipl_moe
