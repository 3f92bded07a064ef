#pragma once

#include "moe/core/view.hpp"

namespace moe {

/// Which operand of a product is read transposed.
enum class Product { plain, left_transposed, right_transposed };

/// One product of a list: c = op(a) op(b), or c += op(a) op(b) if it adds. c is M x N, op(a) M x K, op(b) K x N. The
/// sums are in Accum<In>; each result is rounded to Out once.
template <class In, class Out, class Backend>
struct ProductOf {
  /// The operands.
  View<const In, Backend> a, b;
  /// The result.
  View<Out, Backend> c;
  /// Whether the product is added to c.
  bool adds = false;
};

}  // namespace moe
