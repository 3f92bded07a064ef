/// Runs a layer on any backend, also on one whose memory the host cannot read: numbers in, numbers out. The CUDA
/// compiler can compile this header.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "moe/core/batch.hpp"
#include "moe/core/bfloat16.hpp"
#include "moe/core/forward.hpp"
#include "moe/core/matrix.hpp"
#include "moe/train/walk.hpp"
#include "support/composition_list.hpp"

namespace moe::testing {

using Numbers = std::vector<double>;

/// The input of a run: values in row-major order, weights and buffers in the order of visit_parameters.
struct Given {
  Sizes sizes;
  Batch batch;
  Numbers x, d_y;
  std::vector<Numbers> weights, buffers;
  /// d(loss)/d(balance loss) and d(loss)/d(z-loss).
  AuxiliaryGradient auxiliary;
};
/// The results of a run.
struct Answered {
  Index rows = 0, cols = 0;
  Numbers output, inferred, d_x;
  std::vector<Numbers> gradients;
  double balance_loss = 0, z_loss = 0;
};

template <class Value>
double as_double(Value value) {
  return static_cast<double>(static_cast<Accum<Value>>(value));
}

template <class Value, class B>
void put(const typename B::Context& context, const Numbers& from, View<Value, B> to) {
  std::vector<Value> values;
  for (const double number : from) values.push_back(static_cast<Value>(static_cast<Accum<Value>>(number)));
  B::upload(context, values.data(), to);
}
template <class Value, class B>
Numbers taken(const typename B::Context& context, View<const Value, B> from) {
  if (from.empty()) return {};
  std::vector<Value> values(static_cast<std::size_t>(from.size()));
  B::download(context, from, values.data());
  Numbers numbers;
  for (const Value value : values) numbers.push_back(as_double(value));
  return numbers;
}
template <class Value, class B>
Numbers taken(const typename B::Context& context, const Matrix<Value, B>& from) {
  return taken<Value, B>(context, from.view());
}

/// A layer with the given sizes, weights and buffers.
template <class Layer>
Layer made_of(const typename Layer::Context& context, const Given& given) {
  Layer layer = build<Layer>(given.sizes);
  std::size_t next = 0;
  for_each_tensor([&](auto& weight) { put(context, given.weights[next++], weight.view()); }, layer);
  next = 0;
  for_each_buffer([&](const std::string&, auto& buffer) { put(context, given.buffers[next++], buffer.view()); }, layer);
  return layer;
}

/// Runs forward, backward and infer of the given layer, after `prepare` has changed it.
template <class Layer, class Prepare>
Answered answer_of(const typename Layer::Context& context, const Given& given, const Prepare& prepare) {
  using B = typename Layer::Backend;
  using Value = typename Layer::Value;
  Layer layer = made_of<Layer>(context, given);
  prepare(layer);
  auto x_TD = Matrix<Value, B>::uninitialized(context, given.batch.rows(), layer.width());
  put(context, given.x, x_TD.view());
  auto d_y_TD = Matrix<Value, B>::uninitialized(context, given.batch.rows(), layer.width());
  put(context, given.d_y, d_y_TD.view());

  Answered answered;
  auto run = layer.forward(context, x_TD, given.batch);
  answered.rows = run.output.rows();
  answered.cols = run.output.cols();
  answered.output = taken(context, run.output);
  answered.balance_loss = run.stats.balance_loss();
  answered.z_loss = run.stats.z_loss();
  auto gradient = accum_gradient_for(layer);
  answered.d_x = taken(context, layer.backward(context, d_y_TD, given.auxiliary, std::move(run.saved), gradient));
  for_each_tensor([&](const auto& slope) { answered.gradients.push_back(taken(context, slope)); }, gradient);
  answered.inferred = taken(context, layer.infer(context, x_TD, given.batch));
  return answered;
}
/// The same for the layer as it is given.
template <class Layer>
Answered answer_of(const typename Layer::Context& context, const Given& given) {
  return answer_of<Layer>(context, given, [](Layer&) {});
}

}  // namespace moe::testing
