/// Upcycling tensor by tensor, from a dense model on the disk: the same numbers as upcycled() gives.
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

/// A producer for stream_model(). What is a copy goes from file to file in pieces. Where experts are made to differ or
/// are cut from the dense FFN, the dense FFN of one layer and one expert are in memory, in float32; where adapters are
/// made, one layer.
class UpcycledTensors {
 public:
  /// `dense` must outlive it. Throws as upcycled_config(), BadFile where files and config.json disagree.
  UpcycledTensors(const StoredModel& dense, const MoeConfig& mixture, const moe::Upcycling& start, int threads);

  const ModelConfig& config() const { return config_; }
  /// Bytes that are in memory at once, at most.
  std::int64_t most_bytes() const;
  void operator()(const ListedTensor& tensor, TensorSink& sink);

 private:
  /// `model.layers.7.mlp.experts.3.up_proj.weight` in parts.
  struct Place {
    std::int64_t layer = 0;
    std::string_view inside;            ///< from `mlp.` or `self_attn.` on
    std::string_view projection;        ///< of an expert: `up_proj.weight`
    std::string_view expert;            ///< `mlp.experts.3.`; empty where it is no expert's
    std::optional<std::int64_t> index;  ///< of an expert in a bank
  };
  static std::optional<Place> place_of(std::string_view name);

  /// The dense model's tensor that this one is a copy of; empty where it is made.
  std::string source_of(const ListedTensor& tensor, const std::optional<Place>& place) const;
  const Layer::Dense& dense_ffn(std::int64_t layer);
  const Layer::Dense& expert(const Place& place);
  /// A layer that has everything but, where experts are made one by one, their width.
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
