/// Trains a layer with optimizer state in a chosen place, on a device. The CUDA compiler can compile this header.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "moe/experts/expert_bank.hpp"
#include "moe/experts/swiglu.hpp"
#include "moe/layers/token_moe.hpp"
#include "moe/routing/capacity/unlimited.hpp"
#include "moe/routing/normalizer/softmax_over_chosen.hpp"
#include "moe/routing/router/top_k.hpp"
#include "moe/train/adamw.hpp"
#include "moe/train/initialize.hpp"

namespace moe::testing {

/// Three experts; their tensors of `width` x `hidden` are in more than one piece of 64 values.
template <class Value, class B>
auto layer_to_offload(const typename B::Context& context, Index width = 13, Index hidden = 23) {
  TokenMoE layer(TopK{.k = 2}, SoftmaxOverChosen{}, Unlimited{}, ExpertBank<SwiGlu<Value, B>>(3, width, hidden));
  initialize(context, layer, 5, 0.5);
  return layer;
}

/// Draws the gradients of a step for the weights whose name has none of the texts `frozen`; the others do not train.
template <class Layer>
auto gradient_of_step(const typename Layer::Context& context, const Layer& layer, Index step,
                      const std::vector<std::string>& frozen = {}) {
  auto gradient = accum_gradient_for(layer, [&](const std::string& name) {
    return std::none_of(frozen.begin(), frozen.end(),
                        [&](const std::string& text) { return name.find(text) != std::string::npos; });
  });
  for_each_parameter(
      [&](const std::string& name, auto& slope) {
        if (!slope.empty()) draw_normal(context, slope, static_cast<std::uint64_t>(step), name, 0.1);
      },
      gradient);
  return gradient;
}

/// Every byte of the weights.
template <class Layer>
std::vector<std::byte> bytes_of_weights(const typename Layer::Context& context, const Layer& layer) {
  std::vector<std::byte> all;
  for_each_tensor(
      [&](const auto& weight) {
        using Weight = std::remove_cvref_t<decltype(weight)>;
        std::vector<typename Weight::Value> values(static_cast<std::size_t>(weight.size()));
        Weight::Backend::download(context, weight.const_view(), values.data());
        const auto bytes = std::as_bytes(std::span(values));
        all.insert(all.end(), bytes.begin(), bytes.end());
      },
      layer);
  return all;
}

/// Calls visit(number of the tensor, part, its size in bytes) for every tensor of a state.
template <class State, class Visit>
void for_each_part(const State& state, const Visit& visit) {
  using Part = typename State::Part;
  for (std::size_t i = 0; i < state.tensors().size(); ++i) {
    const auto& kept = state.tensors()[i];
    const auto moments = static_cast<std::size_t>(kept.m.size()) * sizeof(typename State::Moment);
    visit(i, Part::m, moments);
    visit(i, Part::v, moments);
    visit(i, Part::lower, static_cast<std::size_t>(kept.lower.size()) * 2);
  }
}
/// Every byte of an optimizer state.
template <class State>
std::vector<std::vector<std::byte>> bytes_of_state(const typename State::Backend::Context& context,
                                                   const State& state) {
  std::vector<std::vector<std::byte>> all;
  for_each_part(state, [&](std::size_t tensor, typename State::Part part, std::size_t size) {
    state.read(context, tensor, part, 0, all.emplace_back(size));
  });
  return all;
}

/// What a training leaves.
struct Trained {
  std::vector<std::byte> weights;
  std::vector<std::vector<std::byte>> state;
  bool operator==(const Trained&) const = default;
};
/// Trains a few steps, in which not always the same weights train.
template <class Value, class B, class State>
Trained trained_in(const typename B::Context& context, const typename State::Place& place, Index width = 13,
                   Index hidden = 23) {
  auto layer = layer_to_offload<Value, B>(context, width, hidden);
  const std::vector<std::string> always = {"experts.1.up"}, once = {"experts.1.up", "gate_proj"};
  State state(context, layer, gradient_of_step(context, layer, 0, always), 9, place);
  for (Index step = 1; step <= 4; ++step)
    AdamW{}.step(context, 1e-2, step, 0.5, layer, gradient_of_step(context, layer, step, step == 3 ? once : always),
                 state);
  return {bytes_of_weights(context, layer), bytes_of_state(context, state)};
}

}  // namespace moe::testing
