/// A decoder layer with minimal attention and experts, for values that do not depend on their sizes.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "multipl_moe/io/model_config.hpp"
#include "multipl_moe/model/block.hpp"
#include "multipl_moe/model/layers.hpp"

namespace multipl_moe {

/// The layer of `config` with one attention head and experts as narrow as possible. Norms, routers, thresholds and
/// fusions have the shapes and the names that they have in the full layer.
Block<Layer> skeleton_block(const ModelConfig& config);

/// Calls found(std::span<const float>) with the values of the weight or buffer `name` of a layer whose names begin with
/// `prefix`. Returns false if the layer has none of that name.
template <class Found>
bool find_tensor(const Block<Layer>& block, const std::string& prefix, std::string_view name, const Found& found) {
  bool is_there = false;
  const auto visit = [&](const std::string& candidate, const auto& values) {
    if (candidate != name) return;
    found(std::span<const float>(values.data(), static_cast<std::size_t>(values.size())));
    is_there = true;
  };
  Block<Layer>::visit_parameters(visit, prefix, block);
  Block<Layer>::visit_buffers(visit, prefix, block);
  return is_there;
}

}  // namespace multipl_moe
