/// Random weights tensor by tensor, equal to those of LanguageModel::initialize().
#pragma once

#include <cstdint>

#include "multipl_moe/io/model_config.hpp"
#include "multipl_moe/model/block.hpp"
#include "multipl_moe/model/layers.hpp"
#include "multipl_moe/train/streamed_model.hpp"

namespace multipl_moe {

/// A TensorProducer for stream_model(). In memory are one block of a matrix, and one layer without its matrices'
/// values.
class RandomTensors {
 public:
  /// Matrices are drawn from N(0, deviation^2), keyed by seed and name. `config` must be valid.
  RandomTensors(const ModelConfig& config, std::uint64_t seed, double deviation, int threads);

  void operator()(const ListedTensor& tensor, TensorSink& sink) const;

 private:
  void draw(const ListedTensor& tensor, TensorSink& sink) const;

  std::uint64_t seed_;
  double deviation_;
  Layer::Context context_;
  Block<Layer> block_;
};

}  // namespace multipl_moe
