/// Names of weights here and in other formats. The names here are Hugging Face's for Qwen2 and, with one tensor per
/// expert, for Qwen2-MoE.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace multipl_moe {

/// A whole stored tensor, or its elements from `first` on.
struct StoredPart {
  std::string name;
  std::vector<std::int64_t> shape;  ///< of the whole stored tensor
  std::uint64_t first = 0;
};

/// Where the weight `name` of `shape` may be stored; the name used here comes first. A weight of a mixture with
/// `experts` experts may also have Mixtral's name, or be a part of the tensors in which transformers 5 fuses all
/// experts of a layer: experts.gate_up_proj [E, 2F, D], gate rows before up rows, and experts.down_proj [E, D, F].
std::vector<StoredPart> stored_parts(std::string_view name, std::span<const std::int64_t> shape, std::int64_t experts);

/// Mixtral's name of a weight: block_sparse_moe for mlp, and w1, w3, w2 for gate_proj, up_proj, down_proj.
std::string mixtral_name(std::string_view name);

}  // namespace multipl_moe
