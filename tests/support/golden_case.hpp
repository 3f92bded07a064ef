/// The golden files: results of another library, and the tolerance of the comparison with them.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <type_traits>

#include "moe/backend/cpu/cpu.hpp"
#include "moe/core/matrix.hpp"
#include "support/catch.hpp"
#include "support/safetensors_reader.hpp"

namespace moe::testing::golden {

using Tensor = Matrix<float, Cpu<>>;
using ConstView = View<const float, Cpu<>>;

/// Tolerance for sums in float32 in another order than torch's, relative to the largest value of the tensor.
inline constexpr double bar = 1e-5;

template <class Real = float>
StoredFileOf<Real> read_case(const std::string& name) {
  return read_safetensors<Real>(MOE_GOLDEN_DIR "/" + name + ".safetensors");
}

inline Index setting(const StoredFile& file, const std::string& name) { return std::stoll(file.metadata.at(name)); }

template <class Real>
View<const Real, Cpu<>> view(const StoredTensorOf<Real>& tensor) {
  return {tensor.values.data(), static_cast<Index>(tensor.shape.at(0)), static_cast<Index>(tensor.shape.at(1))};
}

/// The largest |actual - expected| divided by the largest |expected|; infinite if a value is NaN, or if all expected
/// values are 0 and an actual one is not.
template <class Real>
double deviation(View<const Real, Cpu<>> expected, std::type_identity_t<View<const Real, Cpu<>>> actual) {
  REQUIRE(actual.rows == expected.rows);
  REQUIRE(actual.cols == expected.cols);
  double size = 0, worst = 0;
  for (Index i = 0; i < expected.size(); ++i) {
    size = std::max(size, std::abs(static_cast<double>(expected.data[i])));
    const double error = std::abs(static_cast<double>(actual.data[i]) - static_cast<double>(expected.data[i]));
    if (!(error <= worst)) worst = std::isnan(error) ? std::numeric_limits<double>::infinity() : error;
  }
  return worst == 0 ? 0 : worst / size;
}

inline void check_tensor(const StoredFile& file, const std::string& name, ConstView actual) {
  INFO(name);
  CHECK(deviation(view(file.tensors.at(name)), actual) <= bar);
}

}  // namespace moe::testing::golden
