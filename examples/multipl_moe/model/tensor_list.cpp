#include "multipl_moe/model/tensor_list.hpp"

#include <string>
#include <type_traits>

#include "moe/train/walk.hpp"
#include "multipl_moe/model/layers.hpp"
#include "multipl_moe/model/make.hpp"

namespace multipl_moe {

std::vector<PlannedTensor> tensor_list(const ModelConfig& config, std::string_view dtype) {
  std::vector<PlannedTensor> tensors;
  const auto add = [&tensors](const std::string& name, const auto& tensor, std::string_view of) {
    std::vector<std::int64_t> shape{tensor.cols()};
    if constexpr (std::remove_cvref_t<decltype(tensor)>::rank == 2) shape.insert(shape.begin(), tensor.rows());
    tensors.push_back({name, std::string(of), std::move(shape)});
  };
  const auto model = make_transformer(config, make_layer_shape);
  moe::for_each_parameter([&](const std::string& name, const auto& weight) { add(name, weight, dtype); }, model);
  moe::for_each_buffer([&](const std::string& name, const auto& buffer) { add(name, buffer, "F32"); }, model);
  return tensors;
}

}  // namespace multipl_moe
