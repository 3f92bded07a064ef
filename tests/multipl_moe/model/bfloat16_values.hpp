/// Values of bfloat16 and the same values in float.
#pragma once

#include <vector>

#include "moe/backend/cpu/cpu.hpp"
#include "moe/ops/add.hpp"
#include "moe/train/initialize.hpp"
#include "moe/train/walk.hpp"
#include "support/tolerance.hpp"

namespace multipl_moe::testing {

using NarrowMatrix = moe::Matrix<moe::BFloat16, moe::Cpu<>>;
using WideMatrix = moe::Matrix<float, moe::Cpu<>>;
inline const moe::CpuContext two_threads{.threads = 2};
/// One rounding to bfloat16 has a relative error of at most 2^-9, of which the mean square is 1.3e-6.
inline constexpr double one_rounding = 4e-6, few_roundings = 5e-5, gradients = 3e-4;

inline NarrowMatrix drawn(const char* name, moe::Index rows, moe::Index cols) {
  NarrowMatrix x(rows, cols);
  moe::draw_normal(two_threads, x, 7, name, 1);
  return x;
}
inline WideMatrix as_float(const NarrowMatrix& x) {
  WideMatrix wide(x.rows(), x.cols());
  moe::convert(two_threads, x.view(), wide.view());
  return wide;
}
template <class Tensor>
std::vector<double> numbers_of(const Tensor& tensor) {
  std::vector<double> numbers;
  for (moe::Index i = 0; i < tensor.size(); ++i) numbers.push_back(static_cast<double>(moe::widened(tensor.data()[i])));
  return numbers;
}
template <class Expected, class Found>
double deviation(const Expected& expected, const Found& found) {
  return moe::testing::nmse(numbers_of(expected), numbers_of(found));
}

/// The same module in bfloat16 and in float, with equal values.
template <class Module, class WideModule>
void draw_both(Module& module, WideModule& wide) {
  moe::initialize(two_threads, module, 5, 0.3);
  moe::round_weights(two_threads, module, wide);
}

}  // namespace multipl_moe::testing
