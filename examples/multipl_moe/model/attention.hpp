/// Causal self-attention of Qwen and Mixtral: projections (Qwen2: biases on q, k, v), RMSNorm of queries and keys
/// (Qwen3), rotary position embedding, grouped-query heads, over the whole text or a sliding window.
#pragma once

#include <algorithm>
#include <iterator>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "multipl_moe/model/projection.hpp"
#include "multipl_moe/model/rms_norm.hpp"
#include "multipl_moe/model/rotary.hpp"
#include "multipl_moe/model/tiled_attention.hpp"
#include "multipl_moe/model/wide_rows.hpp"

namespace multipl_moe {

/// Settings of an attention layer besides its shape.
struct AttentionParts {
  Rotation rotation{};
  /// Whether the projections to queries, keys and values have biases.
  bool has_bias = true;
  /// Whether each head's queries and keys are normalized (RMSNorm over the head) before the rotary embedding.
  bool has_norms = false;
  double norm_epsilon = 1e-6;
};

template <class Value_, moe::Backend Backend_>
struct Attention {
  using Value = Value_;
  using Backend = Backend_;
  using Context = typename Backend::Context;
  using Tensor = moe::Matrix<Value, Backend>;
  using ConstView = moe::View<const Value, Backend>;
  using Linear = moe::Linear<Value, Backend>;

  using Norm = RmsNorm<Value, Backend>;
  template <class Other>
  using rebind = Attention<Other, Backend>;
  /// Type of scores, softmax and angles.
  using Real = moe::Accum<Value>;
  using Scales = typename Norm::Scales;

  /// Queries and keys before their norms, and the norms' scales for backward; empty without norms.
  struct SavedNorms {
    Tensor q_TA, k_TC;
    Scales scale_q, scale_k;
  };
  struct Saved {
    Tensor q_TA, k_TC, v_TC, o_TA;
    moe::Matrix<Real, Backend> lse_TH;
    SavedNorms norms;
  };
  /// KV cache: the keys and values of each sequence's tokens so far, in matrices with spare rows. With a window it
  /// holds only the window's tokens: token t lies in row t mod window.
  struct Cache {
    struct Sequence {
      moe::Index length = 0;
      Tensor k_LC, v_LC;
    };
    std::vector<Sequence> sequences;

    /// Appends the sequences of `more`.
    void join(Cache more) { std::move(more.sequences.begin(), more.sequences.end(), std::back_inserter(sequences)); }
    /// Keeps only these sequences, in this order; each index occurs at most once.
    void keep(moe::ListView<moe::Index> kept) {
      std::vector<Sequence> rest;
      for (const moe::Index b : kept) rest.push_back(std::move(sequences[static_cast<std::size_t>(b)]));
      sequences = std::move(rest);
    }
  };

  AttentionShape shape;
  Rotation rotation;
  bool has_norms = false;
  Projection<Value, Backend> q_proj, k_proj, v_proj, o_proj;
  /// Norms over the channels of a head; empty if has_norms is false.
  Norm q_norm, k_norm;

  Attention() = default;
  Attention(moe::Index width, AttentionShape shape_, const AttentionParts& parts)
      : shape(shape_),
        rotation(parts.rotation),
        has_norms(parts.has_norms),
        o_proj(Linear::without_bias(shape.heads * shape.head_dim, width)) {
    const auto linear = [&](moe::Index out) {
      return Projection<Value, Backend>(parts.has_bias ? Linear::with_bias(width, out)
                                                       : Linear::without_bias(width, out));
    };
    q_proj = linear(shape.heads * shape.head_dim);
    k_proj = linear(shape.kv_heads * shape.head_dim);
    v_proj = linear(shape.kv_heads * shape.head_dim);
    if (has_norms) {
      q_norm = Norm(shape.head_dim, parts.norm_epsilon);
      k_norm = Norm(shape.head_dim, parts.norm_epsilon);
    }
  }

  /// Calls visit(name, projection) for each of the four projections.
  void for_each_projection(const auto& visit) {
    visit("q_proj", q_proj);
    visit("k_proj", k_proj);
    visit("v_proj", v_proj);
    visit("o_proj", o_proj);
  }

  /// x_TD -> y_TD; `saved` does not keep x.
  std::pair<Tensor, Saved> forward(const Context& context, ConstView x_TD, const moe::Batch& batch) const {
    Saved saved{q_proj.forward(context, x_TD),
                k_proj.forward(context, x_TD),
                v_proj.forward(context, x_TD),
                {},
                moe::Matrix<Real, Backend>::uninitialized(context, x_TD.rows, shape.heads),
                {}};
    if (has_norms) saved.norms = normalize(context, saved.q_TA, saved.k_TC);
    turn(context, batch, 1, saved.q_TA.view(), saved.k_TC.view());
    auto o_TA = moe::Matrix<Real, Backend>::uninitialized(context, x_TD.rows, saved.q_TA.cols());
    TiledAttention<Value, Backend>(shape, batch)
        .forward(context, saved.q_TA, saved.k_TC, saved.v_TC, o_TA.view(), saved.lse_TH.view());
    saved.o_TA = rounded(context, std::move(o_TA));
    auto y_TD = o_proj.forward(context, saved.o_TA);
    return {std::move(y_TD), std::move(saved)};
  }

  template <class GradientTree>
  Tensor backward(const Context& context, ConstView d_y_TD, ConstView x_TD, const moe::Batch& batch, Saved saved,
                  GradientTree& gradient) const {
    const auto d_o_TA = o_proj.backward(context, d_y_TD, saved.o_TA, gradient.o_proj);
    using Sums = moe::Matrix<Real, Backend>;
    auto d_q_sums = Sums::uninitialized(context, x_TD.rows, saved.q_TA.cols());
    auto d_k_sums = Sums::uninitialized(context, x_TD.rows, saved.k_TC.cols());
    auto d_v_sums = Sums::uninitialized(context, x_TD.rows, saved.v_TC.cols());
    TiledAttention<Value, Backend>(shape, batch)
        .backward(context, d_o_TA, saved.q_TA, saved.k_TC, saved.v_TC, saved.o_TA, saved.lse_TH, d_q_sums.view(),
                  d_k_sums.view(), d_v_sums.view());
    Tensor d_q_TA = rounded(context, std::move(d_q_sums)), d_k_TC = rounded(context, std::move(d_k_sums));
    const Tensor d_v_TC = rounded(context, std::move(d_v_sums));
    turn(context, batch, -1, d_q_TA.view(), d_k_TC.view());
    if (has_norms) {
      d_q_TA = norm_backward(context, q_norm, d_q_TA, saved.norms.q_TA, saved.norms.scale_q, gradient.q_norm);
      d_k_TC = norm_backward(context, k_norm, d_k_TC, saved.norms.k_TC, saved.norms.scale_k, gradient.k_norm);
    }
    auto d_x_TD = q_proj.backward(context, d_q_TA, x_TD, gradient.q_proj);
    add_rows(context, k_proj.backward(context, d_k_TC, x_TD, gradient.k_proj), d_x_TD.view());
    add_rows(context, v_proj.backward(context, d_v_TC, x_TD, gradient.v_proj), d_x_TD.view());
    return d_x_TD;
  }

  Cache begin_decoding(moe::Index sequences) const {
    Cache cache;
    cache.sequences.resize(static_cast<std::size_t>(sequences));
    return cache;
  }

  /// Runs forward over the first rows of every sequence and stores their keys and values in `cache`, which must be as
  /// begin_decoding() returned it.
  Tensor prefill(const Context& context, ConstView x_TD, const moe::Batch& batch, Cache& cache) const {
    auto [y_TD, saved] = forward(context, x_TD, batch);
    for (std::size_t b = 0; b < cache.sequences.size(); ++b) {
      const moe::Index begin = batch.offsets[b], end = batch.offsets[b + 1];
      auto& [length, k_LC, v_LC] = cache.sequences[b];
      length = end - begin;
      k_LC = with_room(saved.k_TC.view().rows_between(begin, end), length);
      v_LC = with_room(saved.v_TC.view().rows_between(begin, end), length);
    }
    return std::move(y_TD);
  }

  /// Decodes one more token of each sequence.
  Tensor decode(const Context& context, ConstView x_BD, Cache& cache) const {
    auto q_BA = q_proj.forward(context, x_BD), k_BC = k_proj.forward(context, x_BD);
    const auto v_BC = v_proj.forward(context, x_BD);
    if (has_norms) normalize(context, q_BA, k_BC);
    std::vector<Real> memory(is_widened<Value> ? static_cast<std::size_t>(std::max(q_BA.cols(), k_BC.cols())) : 0);
    for (moe::Index b = 0; b < x_BD.rows; ++b) {
      auto& [length, k_LC, v_LC] = cache.sequences[static_cast<std::size_t>(b)];
      const RotaryTable<Real> table(1, rotary_frequencies(rotation, shape.head_dim, length + 1), length);
      turn_row(table, q_BA.view().row(b), 0, 1, memory.data());
      turn_row(table, k_BC.view().row(b), 0, 1, memory.data());
      if (length == k_LC.rows() && (shape.window == 0 || length < shape.window)) {
        k_LC = with_room(k_LC.const_view(), length);
        v_LC = with_room(v_LC.const_view(), length);
      }
      const moe::Index row = row_of(length);
      std::copy_n(k_BC.view().row(b).data, k_BC.cols(), k_LC.view().row(row).data);
      std::copy_n(v_BC.view().row(b).data, v_BC.cols(), v_LC.view().row(row).data);
      ++length;
    }
    auto o_BA = Tensor::uninitialized(context, x_BD.rows, q_BA.cols());
    moe::cpu::parallel(context, x_BD.rows * shape.heads, [&](moe::Index task) {
      const moe::Index b = task / shape.heads;
      attend(q_BA.view(), b, task % shape.heads, cache.sequences[static_cast<std::size_t>(b)], o_BA.view());
    });
    return o_proj.forward(context, o_BA);
  }

  Attention empty_tree() const { return empty_tree_of<Value>(); }
  /// The same tree with values of another type.
  template <class Other>
  rebind<Other> empty_tree_of() const {
    rebind<Other> tree;
    tree.shape = shape;
    tree.rotation = rotation;
    tree.has_norms = has_norms;
    tree.q_proj = q_proj.template empty_tree_of<Other>();
    tree.k_proj = k_proj.template empty_tree_of<Other>();
    tree.v_proj = v_proj.template empty_tree_of<Other>();
    tree.o_proj = o_proj.template empty_tree_of<Other>();
    tree.q_norm = q_norm.template empty_tree_of<Other>();
    tree.k_norm = k_norm.template empty_tree_of<Other>();
    return tree;
  }
  template <class Visit, class Tree, class... Trees>
  static void visit_parameters(Visit&& visit, const auto& prefix, Tree&& tree, Trees&&... trees) {
    Projection<Value, Backend>::visit_parameters(visit, prefix + "q_proj.", tree.q_proj, trees.q_proj...);
    Projection<Value, Backend>::visit_parameters(visit, prefix + "k_proj.", tree.k_proj, trees.k_proj...);
    Projection<Value, Backend>::visit_parameters(visit, prefix + "v_proj.", tree.v_proj, trees.v_proj...);
    Projection<Value, Backend>::visit_parameters(visit, prefix + "o_proj.", tree.o_proj, trees.o_proj...);
    if (!tree.has_norms) return;
    Norm::visit_parameters(visit, prefix + "q_norm.", tree.q_norm, trees.q_norm...);
    Norm::visit_parameters(visit, prefix + "k_norm.", tree.k_norm, trees.k_norm...);
  }

 private:
  /// View of x with one row per head.
  ConstView by_head(const Tensor& x) const { return {x.data(), x.size() / shape.head_dim, shape.head_dim}; }
  moe::View<Value, Backend> by_head(Tensor& x) const { return {x.data(), x.size() / shape.head_dim, shape.head_dim}; }
  static Tensor rounded(const Context& context, moe::Matrix<Real, Backend> x) {
    if constexpr (is_widened<Value>)
      return narrowed_rows<Backend>(context, x.const_view());
    else
      return x;
  }
  /// Normalizes in place; returns the inputs and the scales.
  SavedNorms normalize(const Context& context, Tensor& q_TA, Tensor& k_TC) const {
    const auto apply = [&](const Norm& norm, Tensor& x, Tensor& read) {
      read = std::exchange(x, Tensor::uninitialized(context, x.rows(), x.cols()));
      return norm.forward_into(context, by_head(std::as_const(read)), by_head(x));
    };
    SavedNorms saved;
    saved.scale_q = apply(q_norm, q_TA, saved.q_TA);
    saved.scale_k = apply(k_norm, k_TC, saved.k_TC);
    return saved;
  }
  template <class GradientTree>
  Tensor norm_backward(const Context& context, const Norm& norm, const Tensor& d_y, const Tensor& x,
                       const Scales& scale, GradientTree& gradient) const {
    auto d_x = Tensor::zeros(context, d_y.rows(), d_y.cols());
    norm.add_backward(context, by_head(d_y), by_head(x), scale, by_head(d_x), gradient);
    return d_x;
  }
  void turn(const Context& context, const moe::Batch& batch, Real direction, moe::View<Value, Backend> q_TA,
            moe::View<Value, Backend> k_TC) const {
    // With dynamic scaling the frequencies of a long sequence depend on its length. All other sequences share one
    // table, as long as the longest of them.
    const auto table_of = [&](moe::Index length) {
      return rotation.scaling.type == RotaryScaling::Type::dynamic && length > rotation.scaling.original_positions
                 ? length
                 : 0;
    };
    std::map<moe::Index, moe::Index> longest;
    for (std::size_t b = 0; b + 1 < batch.offsets.size(); ++b) {
      const moe::Index length = batch.offsets[b + 1] - batch.offsets[b];
      moe::Index& positions = longest[table_of(length)];
      positions = std::max(positions, length);
    }
    std::map<moe::Index, RotaryTable<Real>> tables;
    for (const auto& [number, positions] : longest)
      tables.emplace(number, RotaryTable<Real>(positions, rotary_frequencies(rotation, shape.head_dim, positions)));
    struct Place {
      const RotaryTable<Real>* table;
      moe::Index position;
    };
    std::vector<Place> places;
    for (std::size_t b = 0; b + 1 < batch.offsets.size(); ++b) {
      const moe::Index length = batch.offsets[b + 1] - batch.offsets[b];
      const RotaryTable<Real>& table = tables.at(table_of(length));
      for (moe::Index t = 0; t < length; ++t) places.push_back({&table, t});
    }
    const auto turn_both = [&](moe::Index t, Real* memory) {
      const auto [table, position] = places[static_cast<std::size_t>(t)];
      turn_row(*table, q_TA.row(t), position, direction, memory);
      turn_row(*table, k_TC.row(t), position, direction, memory);
    };
    if constexpr (is_widened<Value>)
      for_each_row_with_memory(context, q_TA.rows, std::max(q_TA.cols, k_TC.cols), turn_both);
    else
      Backend::for_each(context, q_TA.rows, [&](moe::Index t) { turn_both(t, nullptr); });
  }
  /// `memory` has room for the row if it must be widened.
  static void turn_row(const RotaryTable<Real>& table, moe::Row<Value> row, moe::Index position, Real direction,
                       [[maybe_unused]] Real* memory) {
    if constexpr (is_widened<Value>) {
      const auto& rows = moe::cpu::narrow_row_kernels();
      rows.widen(row.size, row.data, memory);
      table.turn({memory, row.size}, position, direction);
      rows.narrow(row.size, memory, row.data);
    } else {
      table.turn(row, position, direction);
    }
  }
  /// Row of token t in the cache.
  moe::Index row_of(moe::Index t) const { return shape.window > 0 ? t % shape.window : t; }
  /// Copies the cached rows, those of the tokens before `length`, into a matrix with twice as many rows: at least 64,
  /// at most the window.
  Tensor with_room(ConstView rows_LC, moe::Index length) const {
    moe::Index room = std::max<moe::Index>(64, 2 * rows_LC.rows);
    if (shape.window > 0) room = std::min(room, shape.window);
    Tensor larger(room, shape.kv_heads * shape.head_dim);
    for (moe::Index t = std::max<moe::Index>(0, length - room); t < length; ++t)
      std::copy_n(rows_LC.row(t - (length - rows_LC.rows)).data, rows_LC.cols, larger.view().row(row_of(t)).data);
    return larger;
  }
  void attend(ConstView q_BA, moe::Index b, moe::Index h, const typename Cache::Sequence& past,
              moe::View<Value, Backend> o_BA) const {
    const moe::Index d = shape.head_dim, kv = h / (shape.heads / shape.kv_heads);
    const ConstView k = past.k_LC, v = past.v_LC;
    const auto scale = static_cast<Real>(1 / std::sqrt(static_cast<double>(d)));
    const moe::Index begin = shape.window > 0 ? std::max<moe::Index>(0, past.length - shape.window) : 0;
    const auto& kernels = moe::cpu::row_kernels<Real>();
    const auto& narrow_rows = moe::cpu::narrow_row_kernels();
    std::vector<Real> weights, wide;
    weights.reserve(static_cast<std::size_t>(past.length - begin));
    const auto add_weights = [&](const Real* q, const auto& k_row) {
      for (moe::Index t = begin; t < past.length; ++t)
        weights.push_back(scale * kernels.dot(q, k_row(&k(row_of(t), kv * d)), d));
    };
    if constexpr (is_widened<Value>) {
      wide.resize(static_cast<std::size_t>(2 * d));
      narrow_rows.widen(d, &q_BA(b, h * d), wide.data());
      add_weights(wide.data(), [&](const Value* row) {
        narrow_rows.widen(d, row, wide.data() + d);
        return wide.data() + d;
      });
    } else {
      add_weights(&q_BA(b, h * d), [](const Value* row) { return row; });
    }
    const moe::Row<Real> row{weights.data(), past.length - begin};
    const Real share = 1 / kernels.exponentials(row.size, moe::max(row), row.data, row.data);
    if constexpr (is_widened<Value>) {
      std::fill_n(wide.data(), d, Real(0));
      for (moe::Index t = begin; t < past.length; ++t)
        narrow_rows.add_scaled(d, row[t - begin] * share, &v(row_of(t), kv * d), wide.data());
      narrow_rows.narrow(d, wide.data(), &o_BA(b, h * d));
    } else {
      Value* const o = &o_BA(b, h * d);
      std::fill_n(o, d, Value(0));
      for (moe::Index t = begin; t < past.length; ++t)
        kernels.add_scaled(d, row[t - begin] * share, &v(row_of(t), kv * d), o);
    }
  }
};

}  // namespace multipl_moe
