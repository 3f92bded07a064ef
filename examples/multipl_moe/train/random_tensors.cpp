#include "multipl_moe/train/random_tensors.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "moe/train/initialize.hpp"
#include "multipl_moe/model/skeleton_block.hpp"

namespace multipl_moe {

namespace {

constexpr std::string_view every_layer = "model.layers.";

/// `mlp.gate.weight` of `model.layers.7.mlp.gate.weight`; empty outside layers.
std::string_view inside_layer(std::string_view name) {
  if (!name.starts_with(every_layer)) return {};
  const std::size_t dot = name.find('.', every_layer.size());
  return dot == std::string_view::npos ? std::string_view() : name.substr(dot + 1);
}

}  // namespace

RandomTensors::RandomTensors(const ModelConfig& config, std::uint64_t seed, double deviation, int threads)
    : seed_(seed), deviation_(deviation), block_(skeleton_block(config)) {
  context_.threads = threads;
}

void RandomTensors::draw(const ListedTensor& tensor, TensorSink& sink) const {
  const moe::RandomKey key = moe::weight_key(seed_, tensor.name);
  std::vector<float> values(static_cast<std::size_t>(std::min(tensor.count(), values_at_once)));
  for_each_piece(tensor.count(), [&](std::int64_t first, std::int64_t count) {
    const std::span piece(values.data(), static_cast<std::size_t>(count));
    moe::fill_normal<Layer::Backend>(context_, key, static_cast<std::uint64_t>(first), deviation_, piece);
    sink.write_floats(piece);
  });
}

void RandomTensors::operator()(const ListedTensor& tensor, TensorSink& sink) const {
  if (tensor.kind == TensorKind::matrix) return draw(tensor, sink);
  const std::string_view inside = inside_layer(tensor.name);
  // The attention of the skeleton block has another shape, so its vectors are written here: norms 1, biases 0.
  if (inside.starts_with("self_attn."))
    return sink.write_equal(inside.ends_with("_norm.weight") ? 1 : 0, tensor.count());
  if (inside.empty()) return sink.write_equal(1, tensor.count());
  find_tensor(block_, "", inside, [&](std::span<const float> values) { sink.write_floats(values); });
}

}  // namespace multipl_moe
