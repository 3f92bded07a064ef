/// Upcycling tensor by tensor from a dense model on disk, with the same results as upcycled().
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "moe/train/freeze.hpp"
#include "moe/train/upcycle.hpp"
#include "multipl_moe/io/model_config.hpp"
#include "multipl_moe/io/stored_model.hpp"
#include "multipl_moe/model/block.hpp"
#include "multipl_moe/model/layer_work.hpp"
#include "multipl_moe/model/layers.hpp"
#include "multipl_moe/train/streamed_model.hpp"

namespace multipl_moe {

/// A TensorProducer for stream_model(). Copied tensors go from file to file block by block. If experts are perturbed or
/// cut from the dense FFN, the dense FFN of one layer and one expert are in memory, in float32; if adapters are made,
/// one layer is.
class UpcycledTensors {
 public:
  /// `dense` must outlive it. Throws as upcycled_config(), BadFile if files and config.json disagree.
  UpcycledTensors(const StoredModel& dense, const MoeConfig& mixture, const moe::Upcycling& start, int threads);

  const ModelConfig& config() const { return config_; }
  /// Maximum number of bytes that are in memory at once.
  std::int64_t most_bytes() const;
  void operator()(const ListedTensor& tensor, TensorSink& sink);

 private:
  /// The parts of a name such as `model.layers.7.mlp.experts.3.up_proj.weight`.
  struct Place {
    std::int64_t layer = 0;
    std::string_view inside;            ///< the name within the layer: from `mlp.` or `self_attn.` on
    std::string_view projection;        ///< the name within the expert: `up_proj.weight`
    std::string_view expert;            ///< `mlp.experts.3.`; empty if the tensor is not an expert's
    std::optional<std::int64_t> index;  ///< index of an expert in a bank
  };
  static std::optional<Place> place_of(std::string_view name);

  /// The dense model's tensor that this one is a copy of; empty if the tensor is computed.
  std::string source_of(const ListedTensor& tensor, const std::optional<Place>& place) const;
  const Layer::Dense& dense_ffn(std::int64_t layer);
  const Layer::Dense& expert(const Place& place);
  /// Upcycles a layer into `block_`; if experts are made one by one, a skeleton block with narrow experts.
  void begin_layer(std::int64_t layer);
  void write_of_layer(const ListedTensor& tensor, const Place& place, TensorSink& sink);

  const StoredModel& dense_;
  ModelConfig config_;
  const LayerWork& work_;
  moe::Upcycling start_;
  Layer::Context context_;
  moe::TrainByName trains_;
  Block<Layer> block_;
  std::int64_t block_layer_ = -1, dense_layer_ = -1;
  Layer::Dense dense_ffn_, expert_;
  std::string expert_name_;
};

}  // namespace multipl_moe
