/// Inputs and weights to measure with: the same numbers in every run.
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

/// Uniform numbers of mean 0 and the given deviation: a fraction of the cost of normal ones, which at these sizes is
/// seconds.
template <class T>
void fill_uniform(const Context& context, T& tensor, std::uint64_t seed, double deviation) {
  const Index quads = (tensor.size() + 3) / 4;
  Cpu::for_each_element(context, quads,
                        [values = tensor.data(), size = tensor.size(), seed,
                         scale = static_cast<float>(deviation * std::sqrt(12.0) * 0x1p-32)](Index quad) {
                          const auto words = moe::random_words({seed, 0, 0}, static_cast<std::uint64_t>(quad));
                          for (Index i = 4 * quad; i < std::min(4 * quad + 4, size); ++i)
                            values[i] = scale * (static_cast<float>(words[static_cast<std::size_t>(i % 4)]) - 0x1p31f);
                        });
}

inline Tensor uniform_tensor(const Context& context, Index rows, Index cols, std::uint64_t seed) {
  auto tensor = Tensor::uninitialized(context, rows, cols);
  fill_uniform(context, tensor, seed, 1.0);
  return tensor;
}

/// Weights that keep the size of what goes through them: deviation 1 / sqrt(inputs).
template <class Layer>
void fill_weights(const Context& context, Layer& layer) {
  std::uint64_t seed = 100;
  moe::for_each_parameter(
      [&](const std::string&, auto& weight) {
        fill_uniform(context, weight, ++seed, 1 / std::sqrt(static_cast<double>(weight.cols())));
      },
      layer);
}

/// Four sequences where the rows can be divided by four, otherwise one.
inline moe::Batch batch_of(const Shape& shape) {
  return shape.rows % 4 == 0 ? moe::Batch::sequences(4, shape.rows / 4) : moe::Batch::single(shape.rows);
}

/// 64 windows in a batch, as the paper has them, where there are rows enough.
inline Index window_of(const Shape& shape) { return std::max<Index>(1, shape.rows / 64); }

/// The first `rows` rows of x from row `first` on, starting over at its end.
inline ConstView rows_from(const Tensor& x_TD, Index first, Index rows) {
  const Index begin = first % std::max<Index>(1, x_TD.rows() - rows + 1);
  return x_TD.view().rows_between(begin, begin + std::min(rows, x_TD.rows()));
}

}  // namespace moe_bench
