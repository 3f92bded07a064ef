#include "multipl_moe/architectures/list.hpp"

#include <array>

namespace multipl_moe {

std::span<const Architecture* const> architectures() {
  static constexpr std::array all{
      &multipl_moe_paper,
      &multipl_moe_causal,
      &multipl_moe_literal,
      &multipl_moe_released,
      &multipl_moe_without_segments,
      &gshard,
      &mixtral,
      &qwen15_moe,
      &lora,
      &mole,
  };
  return all;
}

std::span<const TransformersFamily* const> transformers_families() {
  static constexpr std::array all{
      &qwen2, &mixtral_family, &qwen2_moe, &qwen3, &qwen3_moe,
  };
  return all;
}

}  // namespace multipl_moe
