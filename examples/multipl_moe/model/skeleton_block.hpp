/// A decoder layer in little memory, for what does not depend on its heavy parts.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "multipl_moe/io/model_config.hpp"
#include "multipl_moe/model/block.hpp"
#include "multipl_moe/model/layers.hpp"

namespace multipl_moe {

/// The layer of `config` with one attention head and with experts of one channel: norms, routers, thresholds and
/// fusions are as in the layer itself, whose weights they share the names with.
Block<Layer> skeleton_block(const ModelConfig& config);

/// The weight or buffer of that name, of a layer's whose names begin with `prefix`, as floats: calls
/// found(std::span<const float>). False where the layer has none.
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
