#pragma once

#include <cmath>

#include "moe/concepts/backend.hpp"
#include "moe/core/bfloat16.hpp"
#include "moe/core/matrix.hpp"

namespace moe {

/// h = silu(a) b, value by value, where a and b are made of more than one product; backends have verbs for the case
/// that they are not.
template <class Value, Backend B>
Matrix<Value, B> silu_product(const typename B::Context& context, View<const Value, B> a_TF,
                              View<const Value, B> b_TF) {
  auto h = Matrix<Value, B>::uninitialized(context, a_TF.rows, a_TF.cols);
  B::for_each_cell(context, a_TF.rows, a_TF.cols, [=, h_TF = h.view()] MOE_ON_DEVICE(Index t, Index f) {
    using std::exp;
    const auto a = widened(a_TF(t, f));
    h_TF(t, f) = static_cast<Value>(a / (1 + exp(-a)) * widened(b_TF(t, f)));
  });
  return h;
}

/// d_a = d_h b sig(a) (1 + a (1 - sig(a))) and d_b = d_h silu(a), each in the memory of its input.
template <class Value, Backend B>
void silu_product_back(const typename B::Context& context, View<const Value, B> d_h_TF, View<Value, B> a_to_d_a_TF,
                       View<Value, B> b_to_d_b_TF) {
  B::for_each_cell(context, d_h_TF.rows, d_h_TF.cols, [=] MOE_ON_DEVICE(Index t, Index f) {
    using std::exp;
    const auto d_h = widened(d_h_TF(t, f)), a = widened(a_to_d_a_TF(t, f)), b = widened(b_to_d_b_TF(t, f));
    const auto sigmoid = 1 / (1 + exp(-a));
    a_to_d_a_TF(t, f) = static_cast<Value>(d_h * b * sigmoid * (1 + a * (1 - sigmoid)));
    b_to_d_b_TF(t, f) = static_cast<Value>(d_h * a * sigmoid);
  });
}

}  // namespace moe
