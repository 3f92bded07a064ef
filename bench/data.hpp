/// Inputs and weights for measurements, the same in every run.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "bench/suite.hpp"
#include "moe/core/batch.hpp"
#include "moe/core/matrix.hpp"
#include "moe/core/random.hpp"
#include "moe/experts/swiglu.hpp"
#include "moe/train/walk.hpp"

namespace moe_bench {

using Tensor = moe::Matrix<float, Cpu>;
using ConstView = moe::View<const float, Cpu>;
using Expert = moe::SwiGlu<float, Cpu>;

/// Fills with uniform numbers of mean 0 and the given standard deviation. Normal numbers would take seconds at these
/// sizes.
template <class T>
void fill_uniform(const Context& context, T& tensor, std::uint64_t seed, double deviation) {
  using Value = typename T::Value;
  const Index quads = (tensor.size() + 3) / 4;
  Cpu::for_each_element(context, quads,
                        [values = tensor.data(), size = tensor.size(), seed,
                         scale = static_cast<float>(deviation * std::sqrt(12.0) * 0x1p-32)](Index quad) {
                          const auto words = moe::random_words({seed, 0, 0}, static_cast<std::uint64_t>(quad));
                          for (Index i = 4 * quad; i < std::min(4 * quad + 4, size); ++i)
                            values[i] = static_cast<Value>(
                                scale * (static_cast<float>(words[static_cast<std::size_t>(i % 4)]) - 0x1p31f));
                        });
}

template <class Value = float>
moe::Matrix<Value, Cpu> uniform_tensor(const Context& context, Index rows, Index cols, std::uint64_t seed) {
  auto tensor = moe::Matrix<Value, Cpu>::uninitialized(context, rows, cols);
  fill_uniform(context, tensor, seed, 1.0);
  return tensor;
}

/// Weights that preserve the scale of activations: deviation 1 / sqrt(inputs).
template <class Layer>
void fill_weights(const Context& context, Layer& layer) {
  std::uint64_t seed = 100;
  moe::for_each_parameter(
      [&](const std::string&, auto& weight) {
        fill_uniform(context, weight, ++seed, 1 / std::sqrt(static_cast<double>(weight.cols())));
      },
      layer);
}

/// Four sequences if the number of rows is divisible by four, otherwise one.
inline moe::Batch batch_of(const Shape& shape) {
  return shape.rows % 4 == 0 ? moe::Batch::sequences(4, shape.rows / 4) : moe::Batch::single(shape.rows);
}

/// Rows per window for 64 windows per batch, as in the paper; at least 1.
inline Index window_of(const Shape& shape) { return std::max<Index>(1, shape.rows / 64); }

/// `rows` rows of x from row `first` on, which wraps around at the end of x.
template <class Value>
moe::View<const Value, Cpu> rows_from(const moe::Matrix<Value, Cpu>& x_TD, Index first, Index rows) {
  const Index begin = first % std::max<Index>(1, x_TD.rows() - rows + 1);
  return x_TD.view().rows_between(begin, begin + std::min(rows, x_TD.rows()));
}

}  // namespace moe_bench
