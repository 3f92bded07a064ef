/// A small layer with everything that a training step, an inference and a decoding need, constructed before requests
/// are counted or refused.
#pragma once

#include <cstring>
#include <tuple>
#include <utility>
#include <vector>

#include "moe/train/adamw.hpp"
#include "moe/train/clip.hpp"
#include "support/compositions.hpp"

namespace moe::testing {

/// One layer of each kind: with a shared path, with rows that compete, with thresholds, and with both levels.
using AllocationLayers = std::tuple<Qwen15Moe<float, Cpu<>>, TokenExpertChoice<float>, SegmentByPreviousMean<float>,
                                    CausalMultiPlMoe<float, Cpu<>, NormalizedFusion>>;

template <class Layer>
struct TrainingTrees {
  // More than two tiles of rows, so that helper threads have work.
  static constexpr Index rows = 70, sequences = 2;
  Sizes sizes{.width = 8, .hidden = 12, .experts = 3, .k = 2, .window = 4};
  Batch batch = Batch::sequences(sequences, rows / sequences);
  CpuContext context;
  Layer layer = build<Layer>(sizes), gradient;
  AdamWState<Cpu<>> memory;
  Matrix<float, Cpu<>> x_TD, d_y_TD;
  Index steps = 0;

  explicit TrainingTrees(int threads) : context{.threads = threads} {
    Draw draw("allocation");
    randomize(draw, layer, 0.5);
    gradient = gradient_for(layer);
    memory = AdamWState(context, layer, gradient);
    x_TD = random_matrix<float, Cpu<>>(draw, rows, sizes.width);
    d_y_TD = random_matrix<float, Cpu<>>(draw, rows, sizes.width);
  }

  auto forward() const { return layer.forward(context, x_TD, batch); }
  template <class Run>
  auto backward(Run& run) {
    return layer.backward(context, d_y_TD, {.balance = 0.1}, std::move(run.saved), gradient);
  }
  template <class Stats>
  void update(const Stats& stats) {
    const double norm = global_norm(context, gradient);
    AdamW{}.step(context, 1e-3, steps + 1, clip_factor(norm, 1), layer, gradient, memory);
    layer.update_buffers(context, stats);
    set_to_zero(context, gradient);
    ++steps;
  }
  void step() {
    auto run = forward();
    const auto d_x_TD = backward(run);
    update(run.stats);
  }
  auto infer() const { return layer.infer(context, x_TD, batch); }
  /// Row t of every sequence.
  View<const float, Cpu<>> rows_at(Index t) const {
    return {x_TD.data() + t * sizes.width, sequences, sizes.width, rows / sequences * sizes.width};
  }
};

/// All values of a tree, parameters and buffers.
template <class Tree>
std::vector<float> contents(const Tree& tree) {
  std::vector<float> all;
  const auto add = [&](const std::string&, const auto& tensor) {
    all.insert(all.end(), tensor.data(), tensor.data() + tensor.size());
  };
  for_each_parameter(add, tree);
  for_each_buffer(add, tree);
  return all;
}
/// The moments of an optimizer state.
inline std::vector<float> contents(const AdamWState<Cpu<>>& memory) {
  std::vector<float> all;
  for (const auto& tensor : memory.tensors())
    for (const auto* moment : {&tensor.m, &tensor.v})
      all.insert(all.end(), moment->data(), moment->data() + moment->size());
  return all;
}
inline bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0);
}

}  // namespace moe::testing
