/// Lists a model's tensors without allocating the model.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "multipl_moe/io/model_config.hpp"
#include "multipl_moe/io/tensor_entry.hpp"
#include "multipl_moe/model/model_dtype.hpp"

namespace multipl_moe {

struct ExpertPart;

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
/// The same in a process that has this part of the experts: the weights of the others have no values.
std::vector<ListedTensor> list_tensors(const ModelConfig& config, const ExpertPart& part);

/// Whether a tensor is float32 in every model: buffers, and the weights of routers, of the gates of shared experts and
/// of fusions that have a number or a vector per level.
bool is_always_float(const ListedTensor& tensor);
/// Bytes of a tensor in the memory of a model of this dtype, or in one of its checkpoints.
std::int64_t bytes_in_memory(const ListedTensor& tensor, ModelDtype dtype);

/// The tensors as files store them: weights in the safetensors dtype `dtype`, buffers in F32.
std::vector<PlannedTensor> planned(std::span<const ListedTensor> list, std::string_view dtype = "F32");

}  // namespace multipl_moe
