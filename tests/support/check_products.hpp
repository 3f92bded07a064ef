/// Compares a backend's operation `products` with plain loops in double. The CUDA compiler can compile this header.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "moe/core/bfloat16.hpp"
#include "moe/core/list_view.hpp"
#include "moe/core/matrix.hpp"
#include "moe/core/product.hpp"

namespace moe::testing {

/// Extents of one product, and whether it adds to its result.
struct ProductCase {
  Index m, n, k;
  bool adds;
};

/// Products of several shapes, neighbors of one shape, sums of no terms, and results without values.
inline std::vector<ProductCase> product_cases() {
  return {{5, 7, 3, false}, {5, 7, 3, false}, {5, 7, 3, false}, {5, 7, 3, true}, {1, 9, 4, true},   {33, 2, 8, false},
          {0, 4, 4, false}, {4, 0, 4, true},  {6, 5, 0, false}, {6, 5, 0, true}, {17, 40, 70, true}};
}

/// The largest deviation of the results of one call from plain loops in double, each divided by 1 + K. The operands and
/// results of all cases are side by side in three matrices, as the heads of attention are: every view has a stride.
/// Infinite if a value between the results has changed.
template <Product product, class In, class Out, class B>
double worst_deviation_of_products(const typename B::Context& context, const std::vector<ProductCase>& cases) {
  constexpr bool left = product == Product::left_transposed, right = product == Product::right_transposed;
  struct Place {
    Index rows = 0, cols = 0;
    /// The first column of the next operand; a column between two is not used.
    Index add(Index more_rows, Index more_cols) {
      rows = (std::max)(rows, more_rows);
      return std::exchange(cols, cols + more_cols + 1);
    }
  } of_a, of_b, of_c;
  std::vector<Index> at_a, at_b, at_c;
  for (const auto& [m, n, k, adds] : cases) {
    at_a.push_back(of_a.add(left ? k : m, left ? m : k));
    at_b.push_back(of_b.add(right ? n : k, right ? k : n));
    at_c.push_back(of_c.add(m, n));
  }
  std::uint32_t state = 1;
  const auto drawn = [&state]<class Value>(const Place& place, Value) {
    std::vector<Value> values(static_cast<std::size_t>(place.rows * place.cols));
    for (Value& value : values) {
      state = state * 1664525u + 1013904223u;
      value = static_cast<Value>(static_cast<Accum<Value>>(static_cast<double>(state >> 8) / (1 << 23) - 1));
    }
    return values;
  };
  const auto a = drawn(of_a, In{}), b = drawn(of_b, In{});
  const auto before = drawn(of_c, Out{});
  const auto sent = [&]<class Value>(const std::vector<Value>& values, const Place& place) {
    auto there = Matrix<Value, B>::uninitialized(context, place.rows, place.cols);
    B::upload(context, values.data(), there.view());
    return there;
  };
  const auto a_there = sent(a, of_a), b_there = sent(b, of_b);
  auto c_there = sent(before, of_c);
  std::vector<ProductOf<In, Out, B>> list;
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const auto& [m, n, k, adds] = cases[i];
    const auto part = [](auto view, Index rows, Index col, Index cols) {
      return view.rows_between(0, rows).cols_between(col, col + cols);
    };
    list.push_back({part(a_there.const_view(), left ? k : m, at_a[i], left ? m : k),
                    part(b_there.const_view(), right ? n : k, at_b[i], right ? k : n),
                    part(c_there.view(), m, at_c[i], n), adds});
  }
  B::template products<product, In, Out>(context, list);
  auto after = before;
  B::download(context, c_there.const_view(), after.data());

  const auto number = [](const auto& values, const Place& place, Index row, Index col) {
    return static_cast<double>(widened(values[static_cast<std::size_t>(row * place.cols + col)]));
  };
  auto untouched = before;
  double worst = 0;
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const auto& [m, n, k, adds] = cases[i];
    for (Index r = 0; r < m; ++r)
      for (Index c = 0; c < n; ++c) {
        double sum = adds ? number(before, of_c, r, at_c[i] + c) : 0;
        for (Index l = 0; l < k; ++l)
          sum += number(a, of_a, left ? l : r, at_a[i] + (left ? r : l)) *
                 number(b, of_b, right ? c : l, at_b[i] + (right ? l : c));
        const double deviation = std::abs(number(after, of_c, r, at_c[i] + c) - sum) / static_cast<double>(1 + k);
        worst = deviation <= worst ? worst : deviation;
        const auto at = static_cast<std::size_t>(r * of_c.cols + at_c[i] + c);
        untouched[at] = after[at];
      }
  }
  const auto same = [](Out one, Out other) { return widened(one) == widened(other); };
  return std::equal(after.begin(), after.end(), untouched.begin(), same) ? worst : HUGE_VAL;
}

/// The largest deviation over the three forms of a product, as a multiple of its bound: rounding to Out, and the sums'
/// rounding.
template <class In, class Out, class B>
double worst_products(const typename B::Context& context, const std::vector<ProductCase>& cases = product_cases()) {
  const double bound = sizeof(Out) == 8 ? 1e-12 : sizeof(Out) == 4 ? 1e-6 : 1.0 / 256;
  return (std::max)({worst_deviation_of_products<Product::plain, In, Out, B>(context, cases),
                     worst_deviation_of_products<Product::left_transposed, In, Out, B>(context, cases),
                     worst_deviation_of_products<Product::right_transposed, In, Out, B>(context, cases)}) /
         bound;
}

}  // namespace moe::testing
