/// Lists a model's tensors without allocating the model.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "multipl_moe/io/model_config.hpp"
#include "multipl_moe/io/tensor_entry.hpp"

namespace multipl_moe {

enum class TensorKind : std::uint8_t {
  matrix,  ///< a weight that is initialized at random
  vector,  ///< a weight with a fixed initial value: norms 1, biases 0
  buffer   ///< state of a layer besides its weights; float32, whatever the dtype of the weights
};

struct ListedTensor {
  std::string name;
  std::vector<std::int64_t> shape;
  TensorKind kind = TensorKind::matrix;

  std::int64_t count() const;
};

/// In the order of LanguageModel::tensors(): all weights, then all buffers. Allocates no tensor.
std::vector<ListedTensor> list_tensors(const ModelConfig& config);

/// The tensors as files store them: weights in the safetensors dtype `dtype`, buffers in F32.
std::vector<PlannedTensor> planned(std::span<const ListedTensor> list, std::string_view dtype = "F32");

}  // namespace multipl_moe
