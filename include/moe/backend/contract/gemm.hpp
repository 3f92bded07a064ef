#pragma once

#include <concepts>

#include "moe/core/bfloat16.hpp"
#include "moe/core/group_offsets.hpp"
#include "moe/core/list_view.hpp"
#include "moe/core/matrix.hpp"
#include "moe/core/product.hpp"
#include "moe/core/view.hpp"

namespace moe {

namespace contract {

/// row_products(context, x_RD, w_ED, y_RE): y = x w^T, batch invariant: no row's result depends on other rows.
template <class B, class Value>
concept HasRowProducts = requires(const typename B::Context& context, View<const Value, B> x_RD,
                                  const Matrix<Accum<Value>, B>& w_ED, View<Accum<Value>, B> y_RE) {
  { B::row_products(context, x_RD, w_ED, y_RE) } -> std::same_as<void>;
};

/// add_row_dgrad(context, d_y_RE, w_ED, d_x_RD): d_x += d_y w, the backward of row_products.
template <class B, class Value>
concept HasAddRowDgrad = requires(const typename B::Context& context, const Matrix<Accum<Value>, B>& d_y_RE,
                                  const Matrix<Accum<Value>, B>& w_ED, View<Value, B> d_x_RD) {
  { B::add_row_dgrad(context, d_y_RE, w_ED, d_x_RD) } -> std::same_as<void>;
};

/// add_row_wgrad(context, d_y_RE, x_RD, d_w_ED): d_w += d_y^T x, the backward of row_products.
template <class B, class Value>
concept HasAddRowWgrad = requires(const typename B::Context& context, const Matrix<Accum<Value>, B>& d_y_RE,
                                  View<const Value, B> x_RD, View<Accum<Value>, B> d_w_ED) {
  { B::add_row_wgrad(context, d_y_RE, x_RD, d_w_ED) } -> std::same_as<void>;
};

/// grouped_product(context, x_ND, w_FD, offsets, y_NF): y = x w^T, group by group.
template <class B, class Value>
concept HasGroupedProduct = requires(const typename B::Context& context, const Matrix<Value, B>& x_ND,
                                     ListView<View<const Value, B>> w_FD, const GroupOffsets& offsets,
                                     View<Value, B> y_NF) {
  { B::grouped_product(context, x_ND, w_FD, offsets, y_NF) } -> std::same_as<void>;
};

/// add_grouped_dgrad(context, d_y_NF, w_FD, offsets, d_x_ND): d_x += d_y w, group by group.
template <class B, class Value>
concept HasAddGroupedDgrad = requires(const typename B::Context& context, const Matrix<Value, B>& d_y_NF,
                                      ListView<View<const Value, B>> w_FD, ListView<Index> offsets,
                                      View<Value, B> d_x_ND) {
  { B::add_grouped_dgrad(context, d_y_NF, w_FD, offsets, d_x_ND) } -> std::same_as<void>;
};

/// grouped_wgrad(context, d_y_NF, x_ND, offsets, d_w_FD): d_w += d_y^T x, group by group; an empty d_w is skipped.
/// grouped_wgrad<Value, GradientValue> names the type of the gradient: the value type or its accumulation type.
template <class B, class Value>
concept HasGroupedWgrad = requires(const typename B::Context& context, View<const Value, B> d_y_NF,
                                   View<const Value, B> x_ND, ListView<Index> offsets, ListView<View<Value, B>> d_w_FD,
                                   ListView<View<Accum<Value>, B>> wide_d_w_FD) {
  { B::template grouped_wgrad<Value, Value>(context, d_y_NF, x_ND, offsets, d_w_FD) } -> std::same_as<void>;
  { B::template grouped_wgrad<Value, Accum<Value>>(context, d_y_NF, x_ND, offsets, wide_d_w_FD) } -> std::same_as<void>;
};

/// products<product, In, Out>(context, list): c = op(a) op(b), or c += op(a) op(b), for every element of the list
/// (core/product.hpp). Results are in the value type or its accumulation type. The products are independent and may run
/// concurrently: no product reads or writes what another one writes. An empty c is skipped; a sum of no terms is 0.
template <class B, class Value>
concept HasProducts = requires(const typename B::Context& context, ListView<ProductOf<Value, Value, B>> list,
                               ListView<ProductOf<Value, Accum<Value>, B>> wide_list) {
  { B::template products<Product::plain, Value, Value>(context, list) } -> std::same_as<void>;
  { B::template products<Product::left_transposed, Value, Value>(context, list) } -> std::same_as<void>;
  { B::template products<Product::right_transposed, Value, Accum<Value>>(context, wide_list) } -> std::same_as<void>;
};

}  // namespace contract

/// Matrix products. Rows [offsets[g], offsets[g+1]) belong to group g, which has its own weight. The order of every sum
/// depends only on the shapes and, on the CPU, on whether the weight is packed: with few rows, a weight that is not
/// packed is multiplied in another order (cpu/tile_gemm.hpp). A backend whose products read packed weights also has the
/// type PackedWeights (train/pack_weights.hpp).
template <class B, class Value>
concept GemmBackend = contract::HasRowProducts<B, Value> && contract::HasAddRowDgrad<B, Value> &&
    contract::HasAddRowWgrad<B, Value> && contract::HasGroupedProduct<B, Value> &&
    contract::HasAddGroupedDgrad<B, Value> && contract::HasGroupedWgrad<B, Value> && contract::HasProducts<B, Value>;

namespace contract {

/// Names the missing operation of GemmBackend.
template <class B, class Value>
constexpr bool check_gemm() {
  static_assert(HasRowProducts<B, Value>,
                "Backend: row_products(context, x_RD, w_ED, y_RE) is missing or has another signature, see "
                "moe/backend/contract/gemm.hpp");
  static_assert(HasAddRowDgrad<B, Value>,
                "Backend: add_row_dgrad(context, d_y_RE, w_ED, d_x_RD) is missing or has another signature, "
                "see moe/backend/contract/gemm.hpp");
  static_assert(HasAddRowWgrad<B, Value>,
                "Backend: add_row_wgrad(context, d_y_RE, x_RD, d_w_ED) is missing or has another signature, "
                "see moe/backend/contract/gemm.hpp");
  static_assert(HasGroupedProduct<B, Value>,
                "Backend: grouped_product(context, x_ND, w_FD, offsets, y_NF) is missing or has another signature, see "
                "moe/backend/contract/gemm.hpp");
  static_assert(HasAddGroupedDgrad<B, Value>,
                "Backend: add_grouped_dgrad(context, d_y_NF, w_FD, offsets, d_x_ND) is missing or has another "
                "signature, see moe/backend/contract/gemm.hpp");
  static_assert(HasGroupedWgrad<B, Value>,
                "Backend: grouped_wgrad(context, d_y_NF, x_ND, offsets, d_w_FD) is missing or has another "
                "signature, see moe/backend/contract/gemm.hpp");
  static_assert(HasProducts<B, Value>,
                "Backend: products(context, list) is missing or has another signature, see "
                "moe/backend/contract/gemm.hpp");
  return GemmBackend<B, Value>;
}

}  // namespace contract

}  // namespace moe
