/// What an architecture does with layers: how they are made, what trains, and how they start from a dense model.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "moe/runtime/composition.hpp"
#include "moe/train/freeze.hpp"
#include "moe/train/upcycle.hpp"
#include "multipl_moe/model/layers.hpp"

namespace multipl_moe {

struct LayerWork {
  /// Adds the mixture's settings to a composition that has the sizes of the model.
  void (*compose)(const MoeConfig& moe, moe::Composition& composition);
  /// The weights that post-training moves.
  moe::TrainByName (*trains)(const ModelConfig& config);
  /// Whether the weight of a token's only expert is 1 whatever the router says.
  bool (*has_constant_gates)(const MoeConfig& moe);
  /// Token experts that every token meets, by number.
  std::vector<std::int64_t> (*fixed_experts)(const MoeConfig& moe);
  /// Whether the attention's projections get adapters of the mixture's rank.
  bool adapts_attention = false;

  /// Throws UsageError where a dense model cannot become this mixture, or `start` asks for more than it has.
  void (*check)(const ModelConfig& config, const moe::Upcycling& start);
  /// The dense FFN -> a layer of the mixture; `prefix` names the layer's weights to the draws.
  void (*upcycle)(const Layer::Context& context, const Layer::Dense& ffn, Layer& layer, const moe::Upcycling& start,
                  const std::string& prefix);
  /// One expert of a bank by its number, or the shared expert beside it, as `upcycle` makes it; null where there are no
  /// experts.
  Layer::Dense (*make_expert)(const Layer::Context& context, const Layer::Dense& ffn, const ModelConfig& config,
                              std::optional<std::int64_t> number, const moe::Upcycling& start,
                              const std::string& name) = nullptr;
  /// Whether experts that nothing makes differ are the dense FFN, weight by weight.
  bool has_copies = false;
  /// Whether the dense FFN's own weights stay what they are, under their names.
  bool keeps_ffn = false;
  /// Makes experts as narrow as can be, for layers of which all but the experts is wanted.
  void (*narrow)(MoeConfig& moe);
};

/// That of the mixture that a configuration names.
const LayerWork& work_of(const MoeConfig& moe);

}  // namespace multipl_moe
