/// Our names of weights and those of others. Ours are Hugging Face's for Qwen2 and, one tensor an expert, for
/// Qwen2-MoE.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace multipl_moe {

/// A whole stored tensor, or the elements of it from `first` on.
struct StoredPart {
  std::string name;
  std::vector<std::int64_t> shape;  ///< of the whole stored tensor
  std::uint64_t first = 0;
};

/// Where the weight `name` of `shape` may be stored, our own name first. A weight of a mixture's experts, of which
/// there are `experts`, may also have Mixtral's name, or be a part of the tensors that transformers 5 holds all experts
/// of a layer in: experts.gate_up_proj [E, 2F, D], gate rows before up rows, and experts.down_proj [E, D, F].
std::vector<StoredPart> stored_parts(std::string_view name, std::span<const std::int64_t> shape, std::int64_t experts);

/// Mixtral's name of a weight: block_sparse_moe for mlp, and w1, w3, w2 for gate_proj, up_proj, down_proj.
std::string mixtral_name(std::string_view name);

}  // namespace multipl_moe
