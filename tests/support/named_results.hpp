/// What a layer made by name computes, on any backend. The CUDA compiler can compile this header.
#pragma once

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "moe/core/bfloat16.hpp"
#include "moe/core/matrix.hpp"
#include "moe/runtime/registry.hpp"
#include "moe/train/clip.hpp"
#include "moe/train/initialize.hpp"
#include "moe/train/walk.hpp"
#include "support/device_run.hpp"
#include "support/named_compositions.hpp"

namespace moe::testing {

/// Input rows for batch_of_two().
template <class Value, class B>
Matrix<Value, B> drawn_rows(const typename B::Context& context, const char* name) {
  auto rows_TD = Matrix<Value, B>::uninitialized(context, 13, small_settings.width);
  draw_normal(context, rows_TD, 5, name, 1);
  return rows_TD;
}

/// The results of a training step, of inference, and of decoding the first rows of a sequence if the layer is causal.
template <class Value, class B>
std::vector<Numbers> results_by_name(const typename B::Context& context, const Composition& composition) {
  auto layer = Registry<Value, B>().make(composition);
  initialize(context, layer, 3, 0.3);
  const auto x_TD = drawn_rows<Value, B>(context, "x"), d_y_TD = drawn_rows<Value, B>(context, "d_y");
  auto gradient = accum_gradient_for(layer);
  auto run = layer.forward(context, x_TD.view(), batch_of_two());
  std::vector<Numbers> results = {taken(context, run.output)};
  results.push_back(taken(
      context, layer.backward(context, d_y_TD.view(), {.balance = 0.5, .z = 0.1}, std::move(run.saved), gradient)));
  results.push_back({run.stats.balance_loss(), run.stats.z_loss(), global_norm(context, gradient)});
  for_each_tensor([&](const auto& slope) { results.push_back(taken(context, slope)); }, gradient);
  layer.update_buffers(context, run.stats);
  for_each_buffer([&](const std::string&, const auto& buffer) { results.push_back(taken(context, buffer)); }, layer);
  results.push_back(taken(context, layer.infer(context, x_TD.view(), batch_of_two())));
  if (layer.is_causal()) {
    auto state = layer.begin_decoding(context, 1);
    for (Index t = 0; t < 6; ++t) {
      const auto at = static_cast<std::size_t>(t);
      layer.set_languages({&languages_of_two[at], 1}, state);
      results.push_back(
          taken(context, layer.decode(context, x_TD.view().rows_between(t, t + 1), {&tokens_of_two[at], 1}, state)));
    }
  }
  return results;
}

/// The largest normalized mean squared error of a result; infinite if only one of two results is 0, or if the numbers
/// of values differ.
inline double worst_nmse(const std::vector<Numbers>& expected, const std::vector<Numbers>& found) {
  if (expected.size() != found.size()) return HUGE_VAL;
  double worst = 0;
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (expected[i].size() != found[i].size()) return HUGE_VAL;
    double error = 0, square = 0;
    for (std::size_t j = 0; j < found[i].size(); ++j) {
      error += (found[i][j] - expected[i][j]) * (found[i][j] - expected[i][j]);
      square += expected[i][j] * expected[i][j];
    }
    const double of_result = square > 0 ? error / square : error > 0 ? HUGE_VAL : 0;
    worst = of_result <= worst ? worst : of_result;
  }
  return worst;
}

}  // namespace moe::testing
