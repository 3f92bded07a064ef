/// Causal self-attention of Qwen and Mixtral: projections (Qwen2: biases on q, k, v), RMSNorm of queries and keys
/// (Qwen3), rotary position embedding, grouped-query heads, over the whole text or a sliding window.
#pragma once

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "multipl_moe/model/causal_attention.hpp"
#include "multipl_moe/model/projection.hpp"
#include "multipl_moe/model/rms_norm.hpp"
#include "multipl_moe/model/rotary.hpp"
#include "multipl_moe/model/rows.hpp"

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
  using Rows = RowOperations<Value, Backend>;
  using Rotary = RotaryEmbedding<Real, Backend>;
  using Scores = CausalAttention<Value, Backend>;

  /// What a pass tells all layers with the same rotation and size of heads about its rows; it depends on the lengths of
  /// the sequences alone.
  struct Positions {
    RowRotations<Real, Backend> rotations;
    /// For BlockAttention; otherwise empty.
    moe::Matrix<moe::Index, Backend> place_2T;
  };

  /// Queries and keys before their norms, and the norms' scales for backward; empty without norms.
  struct SavedNorms {
    Tensor q_TA, k_TC;
    Scales scale_q, scale_k;
  };
  struct Saved {
    Tensor q_TA, k_TC, v_TC;
    AttentionOutput<Value, Backend> output;
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
  Rotary rotary;
  bool has_norms = false;
  Projection<Value, Backend> q_proj, k_proj, v_proj, o_proj;
  /// Norms over the channels of a head; empty if has_norms is false.
  Norm q_norm, k_norm;

  Attention() = default;
  Attention(moe::Index width, AttentionShape shape_, const AttentionParts& parts)
      : shape(shape_),
        rotary(parts.rotation, shape.head_dim),
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

  /// The positions of a batch, which forward, backward and prefill take.
  Positions positions(const Context& context, const moe::Batch& batch) const {
    Positions positions{rotary.of(context, batch), {}};
    if constexpr (!Backend::is_host) positions.place_2T = Scores::places(context, batch);
    return positions;
  }
  /// Those of the next token of each sequence, which decode takes.
  Positions positions(const Context& context, const Cache& cache) const {
    std::vector<moe::Index> lengths;
    for (const auto& sequence : cache.sequences) lengths.push_back(sequence.length);
    return {rotary.after(context, lengths), {}};
  }

  /// x_TD -> y_TD; `saved` does not keep x.
  std::pair<Tensor, Saved> forward(const Context& context, ConstView x_TD, const moe::Batch& batch,
                                   const Positions& positions) const {
    Saved saved{q_proj.forward(context, x_TD), k_proj.forward(context, x_TD), v_proj.forward(context, x_TD), {}, {}};
    if (has_norms) saved.norms = normalize(context, saved.q_TA, saved.k_TC);
    turn(context, positions.rotations, 1, saved.q_TA, saved.k_TC);
    saved.output = scores(batch, positions).attend(context, saved.q_TA, saved.k_TC, saved.v_TC);
    auto y_TD = o_proj.forward(context, saved.output.o_TA);
    return {std::move(y_TD), std::move(saved)};
  }

  template <class GradientTree>
  Tensor backward(const Context& context, ConstView d_y_TD, ConstView x_TD, const moe::Batch& batch,
                  const Positions& positions, Saved saved, GradientTree& gradient) const {
    const auto d_o_TA = o_proj.backward(context, d_y_TD, saved.output.o_TA, gradient.o_proj);
    auto [d_q_TA, d_k_TC, d_v_TC] =
        scores(batch, positions).gradient(context, d_o_TA, saved.q_TA, saved.k_TC, saved.v_TC, saved.output);
    turn(context, positions.rotations, -1, d_q_TA, d_k_TC);
    if (has_norms) {
      d_q_TA = norm_backward(context, q_norm, d_q_TA, saved.norms.q_TA, saved.norms.scale_q, gradient.q_norm);
      d_k_TC = norm_backward(context, k_norm, d_k_TC, saved.norms.k_TC, saved.norms.scale_k, gradient.k_norm);
    }
    auto d_x_TD = q_proj.backward(context, d_q_TA, x_TD, gradient.q_proj);
    Rows::add(context, k_proj.backward(context, d_k_TC, x_TD, gradient.k_proj), d_x_TD.view());
    Rows::add(context, v_proj.backward(context, d_v_TC, x_TD, gradient.v_proj), d_x_TD.view());
    return d_x_TD;
  }

  Cache begin_decoding(moe::Index sequences) const {
    Cache cache;
    cache.sequences.resize(static_cast<std::size_t>(sequences));
    return cache;
  }

  /// Runs forward over the first rows of every sequence and stores their keys and values in `cache`, which must be as
  /// begin_decoding() returned it.
  Tensor prefill(const Context& context, ConstView x_TD, const moe::Batch& batch, const Positions& positions,
                 Cache& cache) const {
    auto [y_TD, saved] = forward(context, x_TD, batch, positions);
    for (std::size_t b = 0; b < cache.sequences.size(); ++b) {
      const moe::Index begin = batch.offsets[b], end = batch.offsets[b + 1];
      auto& [length, k_LC, v_LC] = cache.sequences[b];
      length = end - begin;
      k_LC = with_room(context, saved.k_TC.view().rows_between(begin, end), length);
      v_LC = with_room(context, saved.v_TC.view().rows_between(begin, end), length);
    }
    return std::move(y_TD);
  }

  /// Decodes one more token of each sequence.
  Tensor decode(const Context& context, ConstView x_BD, const Positions& positions, Cache& cache) const {
    auto q_BA = q_proj.forward(context, x_BD), k_BC = k_proj.forward(context, x_BD);
    const auto v_BC = v_proj.forward(context, x_BD);
    if (has_norms) normalize(context, q_BA, k_BC);
    turn(context, positions.rotations, 1, q_BA, k_BC);
    std::vector<CachedTokens<Value>> cached;
    for (auto& [length, k_LC, v_LC] : cache.sequences) {
      if (length == k_LC.rows() && (shape.window == 0 || length < shape.window)) {
        k_LC = with_room(context, k_LC, length);
        v_LC = with_room(context, v_LC, length);
      }
      cached.push_back({k_LC.data(), v_LC.data(), k_LC.cols(), ++length, shape.window});
    }
    auto o_BA = Tensor::uninitialized(context, x_BD.rows, q_BA.cols());
    Rows::decode(context, q_BA, k_BC, v_BC, cached, shape.kv_heads, o_BA.view());
    return o_proj.forward(context, o_BA);
  }

  Attention empty_tree() const { return empty_tree_of<Value>(); }
  /// The same tree with values of another type.
  template <class Other>
  rebind<Other> empty_tree_of() const {
    rebind<Other> tree;
    tree.shape = shape;
    tree.rotary = typename rebind<Other>::Rotary(rotary.rotation(), shape.head_dim);
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
  Scores scores(const moe::Batch& batch, [[maybe_unused]] const Positions& positions) const {
    if constexpr (Backend::is_host)
      return Scores(shape, batch);
    else
      return Scores(shape, batch, positions.place_2T);
  }
  /// View of x with one row per head.
  ConstView by_head(const Tensor& x) const { return {x.data(), x.size() / shape.head_dim, shape.head_dim}; }
  moe::View<Value, Backend> by_head(Tensor& x) const { return {x.data(), x.size() / shape.head_dim, shape.head_dim}; }
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
  static void turn(const Context& context, const RowRotations<Real, Backend>& by, Real direction, Tensor& q_TA,
                   Tensor& k_TC) {
    Rows::turn(context, q_TA.view(), *by.table_PC, by.position_1T, direction);
    Rows::turn(context, k_TC.view(), *by.table_PC, by.position_1T, direction);
  }
  /// Copies the cached rows, those of the tokens before `length`, into a matrix with twice as many rows: at least 64,
  /// at most the window.
  Tensor with_room(const Context& context, ConstView rows_LC, moe::Index length) const {
    moe::Index room = std::max<moe::Index>(64, 2 * rows_LC.rows);
    if (shape.window > 0) room = std::min(room, shape.window);
    auto larger = empty_cache(context, room);
    for (moe::Index t = std::max<moe::Index>(0, length - room); t < length;) {
      const moe::Index row = shape.window > 0 ? t % shape.window : t, count = std::min(length - t, room - row),
                       from = t - (length - rows_LC.rows);
      Rows::copy(context, rows_LC.rows_between(from, from + count), larger.view().rows_between(row, row + count));
      t += count;
    }
    return larger;
  }
  /// On the CPU not from the pool, which would round the size up; on a device from it, in the order of the stream.
  Tensor empty_cache(const Context& context, moe::Index rows) const {
    if constexpr (Backend::is_host)
      return Tensor(rows, shape.kv_heads * shape.head_dim);
    else
      return Tensor::uninitialized(context, rows, shape.kv_heads * shape.head_dim);
  }
};

}  // namespace multipl_moe
