/// Causal softmax attention in tiles: scores are in memory for one tile of queries and keys at a time, so memory grows
/// with T and not with T^2. The backward pass recomputes each tile from the rows' log-sum-exp. Results, scores and
/// softmax of bfloat16 values are float; probabilities and the gradients of scores are rounded where they are
/// multiplied.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "moe/backend/cpu/cpu.hpp"
#include "moe/backend/cpu/isa/instantiations.hpp"
#include "moe/core/batch.hpp"
#include "multipl_moe/model/attention_shape.hpp"
#include "multipl_moe/model/wide_rows.hpp"

namespace multipl_moe {

template <class Value, class B>
class TiledAttention {
 public:
  using Context = typename B::Context;
  using Tensor = moe::Matrix<Value, B>;
  using ConstView = moe::View<const Value, B>;
  /// Type of sums and results.
  using Real = moe::Accum<Value>;
  using Sums = moe::Matrix<Real, B>;
  using MutableView = moe::View<Real, B>;
  using RealView = moe::View<const Real, B>;

  TiledAttention(AttentionShape shape, const moe::Batch& batch)
      : shape_(shape), batch_(batch), scale_(static_cast<Real>(1 / std::sqrt(static_cast<double>(shape.head_dim)))) {}

  AttentionOutput<Value, B> attend(const Context& context, ConstView q_TA, ConstView k_TC, ConstView v_TC) const {
    auto o_TA = Sums::uninitialized(context, q_TA.rows, q_TA.cols);
    auto lse_TH = Sums::uninitialized(context, q_TA.rows, shape_.heads);
    forward(context, q_TA, k_TC, v_TC, o_TA.view(), lse_TH.view());
    return {rounded(context, std::move(o_TA)), std::move(lse_TH)};
  }
  AttentionGradient<Value, B> gradient(const Context& context, ConstView d_o_TA, ConstView q_TA, ConstView k_TC,
                                       ConstView v_TC, const AttentionOutput<Value, B>& output) const {
    auto d_q_TA = Sums::uninitialized(context, q_TA.rows, q_TA.cols),
         d_k_TC = Sums::uninitialized(context, k_TC.rows, k_TC.cols),
         d_v_TC = Sums::uninitialized(context, v_TC.rows, v_TC.cols);
    backward(context, d_o_TA, q_TA, k_TC, v_TC, output.o_TA, output.lse_TH, d_q_TA.view(), d_k_TC.view(),
             d_v_TC.view());
    return {rounded(context, std::move(d_q_TA)), rounded(context, std::move(d_k_TC)),
            rounded(context, std::move(d_v_TC))};
  }

  /// q_TA, k_TC, v_TC -> o_TA and lse_TH, the log of each row's sum of exponentials.
  void forward(const Context& context, ConstView q_TA, ConstView k_TC, ConstView v_TC, MutableView o_TA,
               MutableView lse_TH) const {
    moe::cpu::parallel(context, batch_.count() * shape_.heads, [&](moe::Index task) {
      const Rows rows = rows_of(task / shape_.heads);
      const moe::Index h = task % shape_.heads;
      Tile scores;
      for (moe::Index i = 0; i < rows.count; i += tile) {
        const ConstView q = head(q_TA, rows, h, i);
        forward_tile(context, q, k_TC, v_TC, rows, h, i, head(o_TA, rows, h, i),
                     lse_TH.rows_between(rows.begin + i, rows.begin + i + q.rows).cols_between(h, h + 1), scores);
      }
    });
  }

  /// d_o_TA -> d_q_TA, d_k_TC, d_v_TC, which are overwritten.
  void backward(const Context& context, ConstView d_o_TA, ConstView q_TA, ConstView k_TC, ConstView v_TC,
                ConstView o_TA, RealView lse_TH, MutableView d_q_TA, MutableView d_k_TC, MutableView d_v_TC) const {
    moe::cpu::parallel(context, batch_.count() * shape_.kv_heads, [&](moe::Index task) {
      const Rows rows = rows_of(task / shape_.kv_heads);
      const moe::Index kv = task % shape_.kv_heads, group = shape_.heads / shape_.kv_heads;
      Tile p, d_p;
      Rounded rounded_p, rounded_d_s;
      for (moe::Index h = kv * group; h < (kv + 1) * group; ++h)
        for (moe::Index i = 0; i < rows.count; i += tile) {
          const ConstView q = head(q_TA, rows, h, i), d_o = head(d_o_TA, rows, h, i), o = head(o_TA, rows, h, i);
          const MutableView d_q = head(d_q_TA, rows, h, i);
          Real inner[tile];
          for (moe::Index r = 0; r < q.rows; ++r) inner[r] = inner_product(d_o.row(r), o.row(r));
          for (moe::Index j = first_tile(i); j <= i; j += tile) {
            const ConstView k = head(k_TC, rows, kv, j), v = head(v_TC, rows, kv, j);
            fill_scores(context, q, k, i, j, p);
            write<moe::Product::right_transposed>(context, d_o, v, view(d_p, q.rows, k.rows));
            for (moe::Index r = 0; r < q.rows; ++r) {
              Real* const p_r = p.values + r * tile;
              kernels_.exponentials(k.rows, lse_TH(rows.begin + i + r, h), p_r, p_r);
              kernels_.softmax_backward(k.rows, scale_, inner[r], p_r, d_p.values + r * tile);
            }
            const ConstView p_view = operand(p, q.rows, k.rows, rounded_p),
                            d_s = operand(d_p, q.rows, k.rows, rounded_d_s);
            // The keys of tile j are first attended to by the queries of tile j of the group's first head.
            const bool is_first = h == kv * group && i == j;
            write_or_add<moe::Product::left_transposed>(is_first, context, p_view, d_o, head(d_v_TC, rows, kv, j));
            write_or_add<moe::Product::plain>(j == first_tile(i), context, d_s, k, d_q);
            write_or_add<moe::Product::left_transposed>(is_first, context, d_s, q, head(d_k_TC, rows, kv, j));
          }
        }
    });
  }

 private:
  static constexpr moe::Index tile = 64;
  struct alignas(64) Tile {
    Real values[tile * tile];
  };
  /// The values of a tile, rounded to be multiplied; unused if Value is Real.
  struct alignas(64) Rounded {
    Value values[is_widened<Value> ? tile * tile : 1];
  };
  struct Rows {
    moe::Index begin, count;
  };

  static Tensor rounded(const Context& context, Sums x) {
    if constexpr (is_widened<Value>)
      return narrowed_rows<B>(context, x.const_view());
    else
      return x;
  }
  Rows rows_of(moe::Index sequence) const {
    const auto b = static_cast<std::size_t>(sequence);
    return {batch_.offsets[b], batch_.offsets[b + 1] - batch_.offsets[b]};
  }
  /// Up to `tile` rows of one head, from row `first` of a sequence.
  template <class V>
  moe::View<V, B> head(moe::View<V, B> x, Rows rows, moe::Index h, moe::Index first) const {
    return x.rows_between(rows.begin + first, rows.begin + std::min(first + tile, rows.count))
        .cols_between(h * shape_.head_dim, (h + 1) * shape_.head_dim);
  }
  static MutableView view(Tile& t, moe::Index rows, moe::Index cols) { return {t.values, rows, cols, tile}; }
  /// The tile as an operand of a product.
  static ConstView operand(const Tile& t, moe::Index rows, moe::Index cols, [[maybe_unused]] Rounded& rounded) {
    if constexpr (is_widened<Value>) {
      for (moe::Index r = 0; r < rows; ++r)
        moe::cpu::narrow_row_kernels().narrow(cols, t.values + r * tile, rounded.values + r * tile);
      return {rounded.values, rows, cols, tile};
    } else {
      return {t.values, rows, cols, tile};
    }
  }
  Real inner_product(moe::Row<const Value> a, moe::Row<const Value> b) const {
    if constexpr (is_widened<Value>)
      return moe::cpu::lane_sum<Real>(a.size, [&](moe::Index d) { return moe::widened(a[d]) * moe::widened(b[d]); });
    else
      return kernels_.dot(a.data, b.data, b.size);
  }
  /// c += op(a) op(b) on the calling thread.
  template <moe::Product product>
  static void add(const Context& context, ConstView a, ConstView b, MutableView c) {
    moe::TileGemm::add<product, Value, B>(context, a, b, c);
  }
  /// c = op(a) op(b) on the calling thread.
  template <moe::Product product>
  static void write(const Context& context, ConstView a, ConstView b, MutableView c) {
    moe::TileGemm::write<product, Value, B>(context, a, b, c);
  }
  template <moe::Product product>
  static void write_or_add(bool writes, const Context& context, ConstView a, ConstView b, MutableView c) {
    writes ? write<product>(context, a, b, c) : add<product>(context, a, b, c);
  }

  /// The first row of the first tile of keys that a tile of queries, from row i on, attends to.
  moe::Index first_tile(moe::Index i) const {
    return shape_.window > 0 ? std::max<moe::Index>(0, i - shape_.window + 1) / tile * tile : 0;
  }

  /// scale q k^T, -infinity if the key comes after the query or before its window. i, j: the tiles' first rows in
  /// the sequence.
  void fill_scores(const Context& context, ConstView q, ConstView k, moe::Index i, moe::Index j, Tile& scores) const {
    write<moe::Product::right_transposed>(context, q, k, view(scores, q.rows, k.rows));
    for (moe::Index r = 0; r < q.rows; ++r) {
      kernels_.scale(k.rows, scale_, scores.values + r * tile, scores.values + r * tile);
      for (moe::Index c = std::max<moe::Index>(0, i + r + 1 - j); c < k.rows; ++c)
        scores.values[r * tile + c] = -std::numeric_limits<Real>::infinity();
      if (shape_.window > 0)
        for (moe::Index c = 0; c < std::min(k.rows, i + r + 1 - shape_.window - j); ++c)
          scores.values[r * tile + c] = -std::numeric_limits<Real>::infinity();
    }
  }

  void forward_tile(const Context& context, ConstView q, ConstView k_TC, ConstView v_TC, Rows rows, moe::Index h,
                    moe::Index i, MutableView o, MutableView lse, Tile& scores) const {
    const moe::Index kv = h / (shape_.heads / shape_.kv_heads);
    Rounded rounded;
    Real best[tile], total[tile];
    std::fill_n(best, tile, -std::numeric_limits<Real>::infinity());
    std::fill_n(total, tile, Real(0));
    const moe::Index first = first_tile(i);
    for (moe::Index j = first; j <= i; j += tile) {
      const ConstView k = head(k_TC, rows, kv, j);
      fill_scores(context, q, k, i, j, scores);
      for (moe::Index r = 0; r < q.rows; ++r) {
        Real* const s = scores.values + r * tile;
        const Real most = moe::max(moe::Row<const Real>{s, k.rows});
        // NaN is not above best, and must not be lost.
        const Real higher = best[r] > most ? best[r] : most;
        if (higher == -std::numeric_limits<Real>::infinity()) {  // the row's window begins in a later tile
          std::fill_n(s, k.rows, Real(0));
          continue;
        }
        const Real fade = std::exp(best[r] - higher);
        total[r] = total[r] * fade + kernels_.exponentials(k.rows, higher, s, s);
        best[r] = higher;
        if (j > first && fade != 1) kernels_.scale(o.cols, fade, o.row(r).data, o.row(r).data);
      }
      write_or_add<moe::Product::plain>(j == first, context, operand(scores, q.rows, k.rows, rounded),
                                        head(v_TC, rows, kv, j), o);
    }
    for (moe::Index r = 0; r < q.rows; ++r) {
      kernels_.scale(o.cols, 1 / total[r], o.row(r).data, o.row(r).data);
      lse(r, 0) = best[r] + std::log(total[r]);
    }
  }

  AttentionShape shape_;
  const moe::Batch& batch_;
  Real scale_;
  const moe::cpu::RowKernels<Real>& kernels_ = moe::cpu::row_kernels<Real>();
};

}  // namespace multipl_moe
