/// The tensors that a model has, without the model.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "multipl_moe/io/model_config.hpp"
#include "multipl_moe/io/sharded_writer.hpp"

namespace multipl_moe {

enum class TensorKind : std::uint8_t {
  matrix,  ///< a weight that is drawn
  vector,  ///< a weight that starts with a value of its own: norms 1, biases 0
  buffer   ///< what a layer keeps beside its weights, in float32 whatever they are in
};

struct ListedTensor {
  std::string name;
  std::vector<std::int64_t> shape;
  TensorKind kind = TensorKind::matrix;

  std::int64_t count() const;
};

/// In the order of LanguageModel::tensors(): every weight, and every buffer after them. Allocates no tensor.
std::vector<ListedTensor> list_tensors(const ModelConfig& config);

/// What files of them hold: weights in the safetensors dtype `dtype`, buffers in F32.
std::vector<PlannedTensor> planned(std::span<const ListedTensor> list, std::string_view dtype = "F32");

}  // namespace multipl_moe
