#include "multipl_moe/model/tensor_list.hpp"

#include <functional>
#include <numeric>
#include <type_traits>

#include "moe/train/walk.hpp"
#include "multipl_moe/model/expert_spread.hpp"
#include "multipl_moe/model/layers.hpp"
#include "multipl_moe/model/make.hpp"

namespace multipl_moe {

std::int64_t ListedTensor::count() const {
  return std::accumulate(shape.begin(), shape.end(), std::int64_t{1}, std::multiplies<>());
}

std::vector<ListedTensor> list_tensors(const ModelConfig& config) { return list_tensors(config, ExpertPart()); }
std::vector<ListedTensor> list_tensors(const ModelConfig& config, const ExpertPart& part) {
  std::vector<ListedTensor> list;
  const auto model = make_transformer(config, [&](const ModelConfig& layer) {
    LayerShape mlp = make_layer_shape(layer);
    const moe::Index experts = part.is_of_all() ? 0 : mlp.experts();
    if (experts > 0) mlp.place_experts(part.rank, part.ranks, placement_of(part.placement, layer, experts, part.ranks));
    return mlp;
  });
  const auto shape_of = [](const auto& tensor) {
    if constexpr (std::remove_cvref_t<decltype(tensor)>::rank == 2)
      return std::vector<std::int64_t>{tensor.rows(), tensor.cols()};
    else
      return std::vector<std::int64_t>{tensor.cols()};
  };
  moe::for_each_parameter(
      [&](const std::string& name, const auto& weight) {
        constexpr bool is_matrix = std::remove_cvref_t<decltype(weight)>::rank == 2;
        list.push_back({name, shape_of(weight), is_matrix ? TensorKind::matrix : TensorKind::vector});
      },
      model);
  moe::for_each_buffer(
      [&](const std::string& name, const auto& buffer) {
        list.push_back({name, shape_of(buffer), TensorKind::buffer});
      },
      model);
  return list;
}

bool is_always_float(const ListedTensor& tensor) {
  if (tensor.kind == TensorKind::buffer) return true;
  const auto has = [&](std::string_view part) { return tensor.name.find(part) != std::string::npos; };
  return has(".gate.weight") || has(".shared_expert_gate.") || has(".first_segment") ||
         (has(".fusion.") && tensor.kind == TensorKind::vector);
}

std::int64_t bytes_in_memory(const ListedTensor& tensor, ModelDtype dtype) {
  return tensor.count() * (is_always_float(tensor) ? 4 : value_bytes_of(dtype));
}

std::vector<PlannedTensor> planned(std::span<const ListedTensor> list, std::string_view dtype) {
  std::vector<PlannedTensor> tensors;
  for (const ListedTensor& tensor : list)
    tensors.push_back({tensor.name, std::string(tensor.kind == TensorKind::buffer ? "F32" : dtype), tensor.shape});
  return tensors;
}

}  // namespace multipl_moe
