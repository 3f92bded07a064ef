#include "multipl_moe/model/skeleton_block.hpp"

#include "multipl_moe/model/layer_work.hpp"
#include "multipl_moe/model/make.hpp"

namespace multipl_moe {

Block<Layer> skeleton_block(const ModelConfig& config) {
  ModelConfig narrow = config;
  narrow.intermediate_size = fine_grained_shards;
  if (narrow.moe) work_of(*narrow.moe).narrow(*narrow.moe);
  return make_block(narrow, AttentionShape{1, 1, 2}, make_layer);
}

}  // namespace multipl_moe
