/// An architecture's functions for its layers: construction, trainable weights, and upcycling from a dense model.
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
  /// Adds the mixture's settings to a composition that already has the model's sizes.
  void (*compose)(const MoeConfig& moe, moe::Composition& composition);
  /// The weights that post-training updates.
  moe::TrainByName (*trains)(const ModelConfig& config);
  /// Whether each token has a single expert with a gate that is always 1, independent of the router.
  bool (*has_constant_gates)(const MoeConfig& moe);
  /// Indices of the token experts that process every token.
  std::vector<std::int64_t> (*fixed_experts)(const MoeConfig& moe);
  /// Whether the attention's projections get adapters of the mixture's rank.
  bool adapts_attention = false;

  /// Throws UsageError if a dense model cannot become this mixture, or if `start` requests more than the mixture has.
  void (*check)(const ModelConfig& config, const moe::Upcycling& start);
  /// Fills `layer` of the mixture from the dense FFN. Random draws are keyed by the weights' names, which begin with
  /// `prefix`.
  void (*upcycle)(const Layer::Context& context, const Layer::Dense& ffn, Layer& layer, const moe::Upcycling& start,
                  const std::string& prefix);
  /// Makes one expert of a bank by its index, or without an index the shared expert, as `upcycle` does; null for
  /// architectures without experts.
  Layer::Dense (*make_expert)(const Layer::Context& context, const Layer::Dense& ffn, const ModelConfig& config,
                              std::optional<std::int64_t> number, const moe::Upcycling& start,
                              const std::string& name) = nullptr;
  /// Whether experts are exact copies of the dense FFN unless noise or reinitialization is requested.
  bool has_copies = false;
  /// Whether the dense FFN's weights stay unchanged, under the same names.
  bool keeps_ffn = false;
  /// Makes the experts as narrow as possible, for layers whose experts are not used.
  void (*narrow)(MoeConfig& moe);
};

/// The functions of the configured architecture.
const LayerWork& work_of(const MoeConfig& moe);

}  // namespace multipl_moe
