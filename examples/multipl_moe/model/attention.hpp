/// Qwen's and Mixtral's self-attention: projections (Qwen: biases on q, k, v), rotary positions, grouped heads, causal.
#pragma once

#include <algorithm>
#include <iterator>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "moe/ops/add.hpp"
#include "multipl_moe/model/projection.hpp"
#include "multipl_moe/model/rotary.hpp"
#include "multipl_moe/model/tiled_attention.hpp"

namespace multipl_moe {

/// Whether the projections to queries, keys and values have biases.
enum class QkvBias { absent, present };

template <class Value_, moe::Backend Backend_>
struct Attention {
  using Value = Value_;
  using Backend = Backend_;
  using Context = typename Backend::Context;
  using Tensor = moe::Matrix<Value, Backend>;
  using ConstView = moe::View<const Value, Backend>;
  using Linear = moe::Linear<Value, Backend>;

  struct Saved {
    Tensor q_TA, k_TC, v_TC, o_TA, lse_TH;
  };
  /// Keys and values of the tokens that each sequence has read, in matrices that have room for more.
  struct Cache {
    struct Sequence {
      moe::Index length = 0;
      Tensor k_LC, v_LC;
    };
    std::vector<Sequence> sequences;

    /// Takes in the sequences of `more`, behind its own.
    void join(Cache more) { std::move(more.sequences.begin(), more.sequences.end(), std::back_inserter(sequences)); }
    /// Only these sequences stay, in this order; each number occurs once.
    void keep(moe::ListView<moe::Index> kept) {
      std::vector<Sequence> rest;
      for (const moe::Index b : kept) rest.push_back(std::move(sequences[static_cast<std::size_t>(b)]));
      sequences = std::move(rest);
    }
  };

  AttentionShape shape;
  double theta = 10000;
  Projection<Value, Backend> q_proj, k_proj, v_proj, o_proj;

  Attention() = default;
  Attention(moe::Index width, AttentionShape shape_, double theta_, QkvBias bias = QkvBias::present)
      : shape(shape_), theta(theta_), o_proj(Linear::without_bias(shape.heads * shape.head_dim, width)) {
    const auto linear = [width, bias](moe::Index out) {
      return Projection<Value, Backend>(bias == QkvBias::present ? Linear::with_bias(width, out)
                                                                 : Linear::without_bias(width, out));
    };
    q_proj = linear(shape.heads * shape.head_dim);
    k_proj = linear(shape.kv_heads * shape.head_dim);
    v_proj = linear(shape.kv_heads * shape.head_dim);
  }

  /// visit(name, projection) for each of the four.
  void for_each_projection(const auto& visit) {
    visit("q_proj", q_proj);
    visit("k_proj", k_proj);
    visit("v_proj", v_proj);
    visit("o_proj", o_proj);
  }

  /// x_TD -> y_TD; `saved` does not keep x.
  std::pair<Tensor, Saved> forward(const Context& context, ConstView x_TD, const moe::Batch& batch) const {
    Saved saved{q_proj.forward(context, x_TD), k_proj.forward(context, x_TD), v_proj.forward(context, x_TD),
                Tensor::uninitialized(context, x_TD.rows, shape.heads * shape.head_dim),
                Tensor::uninitialized(context, x_TD.rows, shape.heads)};
    turn(context, batch, 1, saved.q_TA.view(), saved.k_TC.view());
    TiledAttention<Value, Backend>(shape, batch)
        .forward(context, saved.q_TA, saved.k_TC, saved.v_TC, saved.o_TA.view(), saved.lse_TH.view());
    auto y_TD = o_proj.forward(context, saved.o_TA);
    return {std::move(y_TD), std::move(saved)};
  }

  Tensor backward(const Context& context, ConstView d_y_TD, ConstView x_TD, const moe::Batch& batch, Saved saved,
                  Attention& gradient) const {
    const auto d_o_TA = o_proj.backward(context, d_y_TD, saved.o_TA, gradient.o_proj);
    auto d_q_TA = Tensor::zeros(context, x_TD.rows, saved.q_TA.cols());
    auto d_k_TC = Tensor::zeros(context, x_TD.rows, saved.k_TC.cols());
    auto d_v_TC = Tensor::zeros(context, x_TD.rows, saved.v_TC.cols());
    TiledAttention<Value, Backend>(shape, batch)
        .backward(context, d_o_TA, saved.q_TA, saved.k_TC, saved.v_TC, saved.o_TA, saved.lse_TH, d_q_TA.view(),
                  d_k_TC.view(), d_v_TC.view());
    turn(context, batch, -1, d_q_TA.view(), d_k_TC.view());
    auto d_x_TD = q_proj.backward(context, d_q_TA, x_TD, gradient.q_proj);
    moe::add_to(context, k_proj.backward(context, d_k_TC, x_TD, gradient.k_proj), d_x_TD.view());
    moe::add_to(context, v_proj.backward(context, d_v_TC, x_TD, gradient.v_proj), d_x_TD.view());
    return d_x_TD;
  }

  Cache begin_decoding(moe::Index sequences) const {
    Cache cache;
    cache.sequences.resize(static_cast<std::size_t>(sequences));
    return cache;
  }

  /// forward over the first rows of every sequence, which the cache, as begin_decoding() made it, has then read.
  Tensor prefill(const Context& context, ConstView x_TD, const moe::Batch& batch, Cache& cache) const {
    auto [y_TD, saved] = forward(context, x_TD, batch);
    for (std::size_t b = 0; b < cache.sequences.size(); ++b) {
      const moe::Index begin = batch.offsets[b], end = batch.offsets[b + 1];
      auto& [length, k_LC, v_LC] = cache.sequences[b];
      length = end - begin;
      k_LC = with_room(saved.k_TC.view().rows_between(begin, end));
      v_LC = with_room(saved.v_TC.view().rows_between(begin, end));
    }
    return std::move(y_TD);
  }

  /// One more token of each sequence.
  Tensor decode(const Context& context, ConstView x_BD, Cache& cache) const {
    auto q_BA = q_proj.forward(context, x_BD), k_BC = k_proj.forward(context, x_BD);
    const auto v_BC = v_proj.forward(context, x_BD);
    for (moe::Index b = 0; b < x_BD.rows; ++b) {
      auto& [length, k_LC, v_LC] = cache.sequences[static_cast<std::size_t>(b)];
      const RotaryTable<Value> table(1, shape.head_dim, theta, length);
      table.turn(q_BA.view().row(b), 0, 1);
      table.turn(k_BC.view().row(b), 0, 1);
      if (length == k_LC.rows()) {
        k_LC = with_room(k_LC.const_view());
        v_LC = with_room(v_LC.const_view());
      }
      std::copy_n(k_BC.view().row(b).data, k_BC.cols(), k_LC.view().row(length).data);
      std::copy_n(v_BC.view().row(b).data, v_BC.cols(), v_LC.view().row(length).data);
      ++length;
    }
    auto o_BA = Tensor::uninitialized(context, x_BD.rows, q_BA.cols());
    moe::cpu::parallel(context, x_BD.rows * shape.heads, [&](moe::Index task) {
      const moe::Index b = task / shape.heads;
      attend(q_BA.view(), b, task % shape.heads, cache.sequences[static_cast<std::size_t>(b)], o_BA.view());
    });
    return o_proj.forward(context, o_BA);
  }

  Attention structure() const {
    Attention tree;
    tree.shape = shape;
    tree.theta = theta;
    tree.q_proj = q_proj.structure();
    tree.k_proj = k_proj.structure();
    tree.v_proj = v_proj.structure();
    tree.o_proj = o_proj.structure();
    return tree;
  }
  template <class Visit, class... Trees>
  static void visit_parameters(Visit&& visit, const auto& prefix, Trees&&... trees) {
    Projection<Value, Backend>::visit_parameters(visit, prefix + "q_proj.", trees.q_proj...);
    Projection<Value, Backend>::visit_parameters(visit, prefix + "k_proj.", trees.k_proj...);
    Projection<Value, Backend>::visit_parameters(visit, prefix + "v_proj.", trees.v_proj...);
    Projection<Value, Backend>::visit_parameters(visit, prefix + "o_proj.", trees.o_proj...);
  }

 private:
  void turn(const Context& context, const moe::Batch& batch, Value direction, moe::View<Value, Backend> q_TA,
            moe::View<Value, Backend> k_TC) const {
    moe::Index longest = 0;
    std::vector<moe::Index> position;
    for (std::size_t b = 0; b + 1 < batch.offsets.size(); ++b) {
      longest = std::max(longest, batch.offsets[b + 1] - batch.offsets[b]);
      for (moe::Index t = batch.offsets[b]; t < batch.offsets[b + 1]; ++t) position.push_back(t - batch.offsets[b]);
    }
    const RotaryTable<Value> table(longest, shape.head_dim, theta);
    Backend::for_each(context, q_TA.rows, [&](moe::Index t) {
      const moe::Index p = position[static_cast<std::size_t>(t)];
      table.turn(q_TA.row(t), p, direction);
      table.turn(k_TC.row(t), p, direction);
    });
  }
  /// A copy with as many rows again for what comes; a few at least.
  Tensor with_room(ConstView rows_LC) const {
    Tensor larger(std::max<moe::Index>(64, 2 * rows_LC.rows), shape.kv_heads * shape.head_dim);
    for (moe::Index t = 0; t < rows_LC.rows; ++t)
      std::copy_n(rows_LC.row(t).data, rows_LC.cols, larger.view().row(t).data);
    return larger;
  }
  void attend(ConstView q_BA, moe::Index b, moe::Index h, const typename Cache::Sequence& past,
              moe::View<Value, Backend> o_BA) const {
    const moe::Index d = shape.head_dim, kv = h / (shape.heads / shape.kv_heads);
    const ConstView k = past.k_LC, v = past.v_LC;
    const auto scale = static_cast<Value>(1 / std::sqrt(static_cast<double>(d)));
    std::vector<Value> weights(static_cast<std::size_t>(past.length));
    for (moe::Index t = 0; t < past.length; ++t)
      weights[static_cast<std::size_t>(t)] = scale * moe::cpu::dot(&q_BA(b, h * d), &k(t, kv * d), d);
    const moe::Row<Value> row{weights.data(), past.length};
    moe::softmax<Value>(row, row);
    for (moe::Index c = 0; c < d; ++c) o_BA(b, h * d + c) = 0;
    for (moe::Index t = 0; t < past.length; ++t)
      for (moe::Index c = 0; c < d; ++c) o_BA(b, h * d + c) += row[t] * v(t, kv * d + c);
  }
};

}  // namespace multipl_moe
