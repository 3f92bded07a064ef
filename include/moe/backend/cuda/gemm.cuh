#pragma once

#include <type_traits>

#include "moe/backend/cuda/context.cuh"
#include "moe/backend/cuda/independent_products.cuh"
#include "moe/backend/cuda/row_blocks.cuh"
#include "moe/backend/cuda/vector_access.cuh"
#include "moe/core/bfloat16.hpp"
#include "moe/core/group_offsets.hpp"
#include "moe/core/host_device.hpp"
#include "moe/core/matrix.hpp"

namespace moe::gpu {

/// Matrix products: row products, which have few columns, by the library's own kernels; grouped products by the
/// device's BLAS.
template <class Backend, class Device>
class GemmOperations {
  using Context = gpu::Context<Backend, Device>;
  template <class Value>
  using In = gpu::In<Value, Backend>;
  template <class Value>
  using Out = View<Value, Backend>;
  template <class Value>
  using Weights = gpu::Weights<Value, Backend>;

 public:
  /// y = x w^T. Each row is computed independently, in an order that depends on the width alone.
  template <class Value, class Real = Accum<Value>>
  static void row_products(const Context& context, View<const Value, Backend> x_RD, In<Real> w_ED, Out<Real> y_RE) {
    constexpr int width = 4, many = 4, experts = 8;
    const bool x_aligned = gpu::has_aligned_vectors<width>(x_RD), w_aligned = gpu::has_aligned_vectors<width>(w_ED);
    // A team processes a few rows at a time, so that weights are read once for all of them.
    Backend::for_each_row(context, (x_RD.rows + many - 1) / many,
                          [=] MOE_ON_DEVICE(Index tile, typename Device::Team team) {
                            const Index first = tile * many;
                            for (Index e_0 = 0; e_0 < w_ED.rows; e_0 += experts) {
                              gpu::Numbers<gpu::Numbers<Real, experts>, many> sums = {};
                              gpu::for_each_vector<width>(team, x_RD.cols, [&](Index at, auto taken) {
                                constexpr int n = decltype(taken)::value;
                                gpu::Numbers<gpu::Numbers<Real, n>, many> x;
                                gpu::Numbers<Real, n> w;
                                for (int r = 0; r < many; ++r)
                                  gpu::load<n>(&x_RD(gpu::smaller(first + r, x_RD.rows - 1), at), x_aligned, x[r]);
                                for (int e = 0; e < experts; ++e) {
                                  gpu::load<n>(&w_ED(gpu::smaller(e_0 + e, w_ED.rows - 1), at), w_aligned, w);
                                  for (int r = 0; r < many; ++r)
                                    for (int i = 0; i < n; ++i) sums[r][e] += x[r][i] * w[i];
                                }
                              });
                              for (int r = 0; r < many; ++r)
                                for (int e = 0; e < experts; ++e) {
                                  const Real sum = team.sum(sums[r][e]);
                                  if (team.rank() == 0 && first + r < x_RD.rows && e_0 + e < w_ED.rows)
                                    y_RE(first + r, e_0 + e) = sum;
                                }
                            }
                          });
  }
  /// The dgrad of row_products: d_x += d_y w.
  template <class Value, class Real = Accum<Value>>
  static void add_row_dgrad(const Context& context, In<Real> d_y_RE, In<Real> w_ED, Out<Value> d_x_RD) {
    constexpr int width = 4, many = 4;
    const bool x_aligned = gpu::has_aligned_vectors<width>(d_x_RD), w_aligned = gpu::has_aligned_vectors<width>(w_ED);
    Backend::for_each_row(context, (d_x_RD.rows + many - 1) / many,
                          [=] MOE_ON_DEVICE(Index tile, typename Device::Team team) {
                            const Index first = tile * many;
                            gpu::for_each_vector<width>(team, d_x_RD.cols, [&](Index at, auto taken) {
                              constexpr int n = decltype(taken)::value;
                              gpu::Numbers<gpu::Numbers<Real, n>, many> sums = {};
                              gpu::Numbers<Real, n> w;
                              for (Index e = 0; e < w_ED.rows; ++e) {
                                gpu::load<n>(&w_ED(e, at), w_aligned, w);
                                for (int r = 0; r < many; ++r) {
                                  const Real d_y = d_y_RE(gpu::smaller(first + r, d_x_RD.rows - 1), e);
                                  for (int i = 0; i < n; ++i) sums[r][i] += d_y * w[i];
                                }
                              }
                              for (int r = 0; r < many; ++r) {
                                if (first + r >= d_x_RD.rows) continue;
                                gpu::Numbers<Real, n> before;
                                gpu::load<n>(&d_x_RD(first + r, at), x_aligned, before);
                                for (int i = 0; i < n; ++i) sums[r][i] += before[i];
                                gpu::store<n>(&d_x_RD(first + r, at), x_aligned, sums[r]);
                              }
                            });
                          });
  }
  /// The wgrad of row_products: d_w += d_y^T x.
  template <class Value, class Real = Accum<Value>>
  static void add_row_wgrad(const Context& context, In<Real> d_y_RE, View<const Value, Backend> x_RD,
                            Out<Real> d_w_ED) {
    constexpr int experts = 8, many = 4;
    const gpu::RowBlocks blocks(x_RD.rows);
    auto parts = Matrix<Real, Backend>::uninitialized(context, blocks.count, d_w_ED.size());
    Backend::for_each_cell(context, blocks.count, x_RD.cols,
                           [=, parts_PN = parts.view()] MOE_ON_DEVICE(Index block, Index d) {
                             const Index begin = blocks.begin(block), end = blocks.end(block);
                             for (Index e_0 = 0; e_0 < d_w_ED.rows; e_0 += experts) {
                               const Index some = gpu::smaller(experts, d_w_ED.rows - e_0);
                               Real sums[experts] = {};
                               // A few rows are loaded before the first is used.
                               for (Index r = begin; r < end; r += many) {
                                 Real x[many];
                                 for (int i = 0; i < many; ++i) x[i] = r + i < end ? widened(x_RD(r + i, d)) : Real(0);
                                 for (int i = 0; i < many; ++i) {
                                   const Index row = gpu::smaller(r + i, end - 1);
                                   for (int e = 0; e < experts; ++e)
                                     if (e < some) sums[e] += d_y_RE(row, e_0 + e) * x[i];
                                 }
                               }
                               for (int e = 0; e < experts; ++e)
                                 if (e < some) parts_PN(block, (e_0 + e) * d_w_ED.cols + d) = sums[e];
                             }
                           });
    Backend::for_each_cell(context, d_w_ED.rows, d_w_ED.cols,
                           [=, parts_PN = parts.view()] MOE_ON_DEVICE(Index e, Index d) {
                             Real sum = 0;
                             for (Index block = 0; block < parts_PN.rows; ++block)
                               sum += parts_PN(block, e * d_w_ED.cols + d);
                             d_w_ED(e, d) += sum;
                           });
  }

  /// y = x w^T, group by group: rows [offsets[g], offsets[g+1]) of x use the g-th weight.
  template <class Value>
  static void grouped_product(const Context& context, In<Value> x_ND, Weights<Value> w_FD, const GroupOffsets& offsets,
                              Out<Value> y_NF) {
    gpu::multiply<Product::right_transposed, Backend, Value>(context, offsets, [&](Index g, Index begin, Index end) {
      return ProductOf<Value, Value, Backend>{x_ND.rows_between(begin, end), w_FD[g], y_NF.rows_between(begin, end),
                                              false};
    });
  }

  /// d_x += d_y w, group by group.
  template <class Value>
  static void add_grouped_dgrad(const Context& context, In<Value> d_y_NF, Weights<Value> w_FD, ListView<Index> offsets,
                                Out<Value> d_x_ND) {
    gpu::multiply<Product::plain, Backend, Value>(context, offsets, [&](Index g, Index begin, Index end) {
      return ProductOf<Value, Value, Backend>{d_y_NF.rows_between(begin, end), w_FD[g], d_x_ND.rows_between(begin, end),
                                              true};
    });
  }

  /// d_w += d_y^T x, group by group; an empty d_w is skipped.
  template <class Value, class GradientValue = Value>
  static void grouped_wgrad(const Context& context, View<const Value, Backend> d_y_NF, View<const Value, Backend> x_ND,
                            ListView<Index> offsets,
                            std::type_identity_t<ListView<View<GradientValue, Backend>>> d_w_FD) {
    gpu::multiply<Product::left_transposed, Backend, Value, GradientValue>(
        context, offsets, [&](Index g, Index begin, Index end) {
          return ProductOf<Value, GradientValue, Backend>{d_y_NF.rows_between(begin, end),
                                                          x_ND.rows_between(begin, end), d_w_FD[g], true};
        });
  }

  /// Independent products; neighbors of one shape run as one batch.
  template <Product product, class In_, class Out_ = In_>
  static void products(const Context& context, std::type_identity_t<ListView<ProductOf<In_, Out_, Backend>>> list) {
    gpu::IndependentProducts<In_, Out_, Backend> products(context, list.size);
    for (const auto& operands : list) products.template add<product>(operands);
    products.end();
  }
};

}  // namespace moe::gpu
