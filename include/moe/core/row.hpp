#pragma once

#include <cmath>
#include <type_traits>

#include "moe/core/host_device.hpp"
#include "moe/core/index.hpp"

namespace moe {

/// A contiguous run of `size` values that somebody else owns; usable in host and in device code.
template <class Value>
struct Row {
  /// The first value.
  Value* data = nullptr;
  /// Number of values.
  Index size = 0;

  MOE_HOST_DEVICE Value& operator[](Index i) const { return data[i]; }
  MOE_HOST_DEVICE Value* begin() const { return data; }
  MOE_HOST_DEVICE Value* end() const { return data + size; }
  /// A row of mutable values reads as one of constant ones.
  template <class Constant>
  requires(std::is_same_v<Constant, const Value> && !std::is_const_v<Value>) MOE_HOST_DEVICE operator Row<Constant>()
      const {
    return {data, size};
  }
};

/// The largest value of a row that has at least one.
template <class Real>
MOE_HOST_DEVICE std::remove_const_t<Real> max(Row<Real> row) {
  std::remove_const_t<Real> best = row[0];
  for (Index i = 1; i < row.size; ++i)
    if (row[i] > best) best = row[i];
  return best;
}

/// sum_i exp(row_i - shift); shift by the row's maximum and no term overflows.
template <class Real>
MOE_HOST_DEVICE std::remove_const_t<Real> sum_exp(Row<Real> row, std::remove_const_t<Real> shift) {
  using std::exp;
  std::remove_const_t<Real> total = 0;
  for (Index i = 0; i < row.size; ++i) total += exp(row[i] - shift);
  return total;
}

/// s = softmax(z) over the whole row; s may be z.
template <class Real>
MOE_HOST_DEVICE void softmax(Row<const Real> z_E, Row<Real> s_E) {
  using std::exp;
  if (z_E.size == 0) return;
  const Real best = max(z_E), total = sum_exp(z_E, best);
  for (Index e = 0; e < z_E.size; ++e) s_E[e] = exp(z_E[e] - best) / total;
}

}  // namespace moe
