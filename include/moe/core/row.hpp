#pragma once

#include <cmath>
#include <limits>
#include <type_traits>

#include "moe/core/host_device.hpp"
#include "moe/core/index.hpp"
#include "moe/core/team.hpp"

namespace moe {

/// A non-owning view of `size` contiguous values; usable in host and in device code.
template <class Value>
struct Row {
  /// The first value.
  Value* data = nullptr;
  /// Number of values.
  Index size = 0;

  MOE_HOST_DEVICE Value& operator[](Index i) const { return data[i]; }
  MOE_HOST_DEVICE Value* begin() const { return data; }
  MOE_HOST_DEVICE Value* end() const { return data + size; }
  /// Converts a row of mutable values to a row of constant values.
  template <class Constant>
  requires(std::is_same_v<Constant, const Value> && !std::is_const_v<Value>) MOE_HOST_DEVICE operator Row<Constant>()
      const {
    return {data, size};
  }
};

/// A lower bound of all values: -infinity, or the lowest finite value under compiler flags that exclude infinities.
template <class Real>
#if defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__
inline constexpr Real below_all = std::numeric_limits<Real>::lowest();
#else
inline constexpr Real below_all = -std::numeric_limits<Real>::infinity();
#endif

/// The larger of two values.
struct Larger {
  /// b if it is larger than a, otherwise a.
  template <class Real>
  MOE_HOST_DEVICE Real operator()(Real a, Real b) const {
    return b > a ? b : a;
  }
};

/// The largest value of a row that is not empty.
template <class Real, RowTeam Team = TeamOfOne>
MOE_HOST_DEVICE std::remove_const_t<Real>(max)(Row<Real> row, Team team = {}) {
  std::remove_const_t<Real> best = row[team.rank() < row.size ? team.rank() : 0];
  for (Index i = team.rank() + team.size(); i < row.size; i += team.size())
    if (row[i] > best) best = row[i];
  return team.fold(best, Larger{});
}

/// sum_i exp(row_i - shift). With the row's maximum as the shift, no term overflows.
template <class Real, RowTeam Team = TeamOfOne>
MOE_HOST_DEVICE std::remove_const_t<Real> sum_exp(Row<Real> row, std::remove_const_t<Real> shift, Team team = {}) {
  using std::exp;
  std::remove_const_t<Real> total = 0;
  for (Index i = team.rank(); i < row.size; i += team.size()) total += exp(row[i] - shift);
  return team.sum(total);
}

/// s = softmax(z) over the whole row; s may alias z.
template <class Real, RowTeam Team = TeamOfOne>
MOE_HOST_DEVICE void softmax(Row<const Real> z_E, Row<Real> s_E, Team team = {}) {
  using std::exp;
  if (z_E.size == 0) return;
  const Real best = (max)(z_E, team), total = sum_exp(z_E, best, team);
  for (Index e = team.rank(); e < z_E.size; e += team.size()) s_E[e] = exp(z_E[e] - best) / total;
}

}  // namespace moe
