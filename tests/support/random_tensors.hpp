#pragma once

#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "moe/core/matrix.hpp"
#include "moe/core/random.hpp"

namespace moe::testing {

/// The seed: the environment variable MOE_TEST_SEED if it is set. Tests print it when they fail, so that a failure can
/// be reproduced.
inline std::uint64_t seed() {
  const char* text = std::getenv("MOE_TEST_SEED");
  return text != nullptr ? std::strtoull(text, nullptr, 10) : 20250711;
}

/// A stream of random numbers. `test` and `stream` identify the test and its case, so that a single case can be drawn
/// again without the others.
class Draw {
 public:
  explicit Draw(std::string_view test, std::uint32_t stream = 0) : key_{seed(), stream, name_hash(test)} {}

  double normal() { return random_normal(key_, next_++); }
  double uniform() { return random_uniform(key_, next_++); }
  /// Uniform integer from `low` to `high`, both included.
  Index between(Index low, Index high) {
    return low + static_cast<Index>(uniform() * static_cast<double>(high - low + 1));
  }
  bool one_in(Index n) { return between(1, n) == 1; }

 private:
  RandomKey key_;
  std::uint64_t next_ = 0;
};

/// Rounds to a value that a float holds exactly, so that float layers, double layers and the reference get the same
/// values.
inline double as_float(double value) { return static_cast<double>(static_cast<float>(value)); }

template <class Real, class B>
void fill_normal(Draw& draw, View<Real, B> view, double deviation = 1) {
  for (Index r = 0; r < view.rows; ++r)
    for (Real& value : view.row(r)) value = static_cast<Real>(as_float(deviation * draw.normal()));
}

template <class Real, class B>
Matrix<Real, B> random_matrix(Draw& draw, Index rows, Index cols, double deviation = 1) {
  Matrix<Real, B> result(rows, cols);
  fill_normal(draw, result.view(), deviation);
  return result;
}

/// Randomizes every weight of a layer or module.
template <class M>
void randomize(Draw& draw, M& module, double deviation = 1) {
  M::visit_parameters([&](const std::string&, auto& tensor) { fill_normal(draw, tensor.view(), deviation); },
                      std::string(), module);
}

template <class Real, class B>
std::vector<double> values_of(View<const Real, B> view) {
  std::vector<double> result;
  for (Index r = 0; r < view.rows; ++r)
    for (Index c = 0; c < view.cols; ++c) result.push_back(static_cast<double>(view(r, c)));
  return result;
}
template <class Real, class B>
std::vector<double> values_of(const Matrix<Real, B>& matrix) {
  return values_of(matrix.view());
}

/// Whether two matrices are bitwise identical; -0 and 0 differ, NaN equals itself.
template <class Real, class B>
bool same_bits(const Matrix<Real, B>& a, const Matrix<Real, B>& b) {
  if (a.rows() != b.rows() || a.cols() != b.cols()) return false;
  return a.empty() || std::memcmp(a.data(), b.data(), static_cast<std::size_t>(a.size()) * sizeof(Real)) == 0;
}

}  // namespace moe::testing
