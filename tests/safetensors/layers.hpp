/// Layers whose weights and buffers have random values, and their bytes.
#pragma once

#include <cstddef>
#include <cstring>
#include <map>
#include <string>
#include <type_traits>
#include <vector>

#include "moe/backend/cpu/cpu.hpp"
#include "moe/core/bfloat16.hpp"
#include "moe/layers/presets.hpp"
#include "moe/train/walk.hpp"
#include "support/random_tensors.hpp"

namespace moe::testing {

/// The bytes of a layer's weights and buffers, by name.
using LayerBytes = std::map<std::string, std::vector<std::byte>>;

template <class Layer, class Visit>
void for_each_weight_and_buffer(Layer& layer, const Visit& visit) {
  for_each_parameter(visit, layer);
  for_each_buffer(visit, layer);
}

/// Sets every weight and buffer of a layer in host memory to normally distributed values.
template <class Layer>
Layer filled(Layer layer, std::uint32_t stream = 0) {
  Draw draw("safetensors", stream);
  for_each_weight_and_buffer(layer, [&](const std::string&, auto& tensor) {
    using Value = typename std::remove_reference_t<decltype(tensor)>::Value;
    for (Index i = 0; i < tensor.size(); ++i)
      tensor.data()[i] = static_cast<Value>(static_cast<Accum<Value>>(draw.normal()));
  });
  return layer;
}

template <class Layer>
LayerBytes bytes_in(const Layer& layer) {
  LayerBytes bytes;
  for_each_weight_and_buffer(layer, [&](const std::string& name, const auto& tensor) {
    const auto* begin = reinterpret_cast<const std::byte*>(tensor.data());
    bytes[name].assign(begin, begin + static_cast<std::size_t>(tensor.size()) * sizeof *tensor.data());
  });
  return bytes;
}

/// Both levels, a learned fusion, and the thresholds of the segment level's inference router as buffers.
template <class Value>
CausalMultiPlMoe<Value, Cpu<>, NormalizedFusion> hybrid_layer() {
  return make_multipl<CausalMultiPlMoe<Value, Cpu<>, NormalizedFusion>>(
      {.width = 6, .hidden = 5, .token_experts = 3, .segment_experts = 2, .window = 4});
}

/// A shared expert, and the router's biases as a buffer.
template <class Value>
DeepSeekV3Moe<Value, Cpu<>> biased_layer() {
  using Ffn = SwiGlu<Value, Cpu<>>;
  return {BiasedTopK{.k = 2}, {}, {}, ExpertBank<Ffn>(4, 6, 5), SharedExpert<Ffn, NoGate>(6, 3)};
}

template <class Value>
SwiGlu<Value, Cpu<>> dense_layer(Index width = 6, Index hidden = 5) {
  return {width, hidden};
}

}  // namespace moe::testing
