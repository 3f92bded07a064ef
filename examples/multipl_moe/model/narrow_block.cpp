#include "multipl_moe/model/narrow_block.hpp"

#include "multipl_moe/model/make.hpp"

namespace multipl_moe {

Block<Layer> narrow_block(const ModelConfig& config) {
  ModelConfig narrow = config;
  narrow.intermediate_size = fine_grained_shards;
  if (narrow.moe) {
    const bool cut = narrow.moe->architecture == "qwen1.5-moe";
    narrow.moe->moe_intermediate_size = cut ? 1 : 0;
    narrow.moe->shared_expert_intermediate_size = cut ? fine_grained_shards : 0;
  }
  return make_block(narrow, AttentionShape{1, 1, 2}, make_layer);
}

}  // namespace multipl_moe
