/// Qwen's and Mixtral's self-attention: projections (Qwen: biases on q, k, v), rotary positions, grouped heads, causal.
#pragma once

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
  /// Keys and values of the tokens decoded so far, a pair of growing matrices for each sequence.
  struct Cache {
    moe::Index length = 0;
    std::vector<Tensor> k_LC, v_LC;
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
    cache.k_LC.resize(static_cast<std::size_t>(sequences));
    cache.v_LC.resize(static_cast<std::size_t>(sequences));
    return cache;
  }

  /// One more token of each sequence.
  Tensor decode(const Context& context, ConstView x_BD, Cache& cache) const {
    auto q_BA = q_proj.forward(context, x_BD), k_BC = k_proj.forward(context, x_BD);
    const auto v_BC = v_proj.forward(context, x_BD);
    const RotaryTable<Value> table(1, shape.head_dim, theta, cache.length);
    for (moe::Index b = 0; b < x_BD.rows; ++b) {
      table.turn(q_BA.view().row(b), 0, 1);
      table.turn(k_BC.view().row(b), 0, 1);
      append(k_BC.view().row(b), cache.length, cache.k_LC[static_cast<std::size_t>(b)]);
      append(v_BC.view().row(b), cache.length, cache.v_LC[static_cast<std::size_t>(b)]);
    }
    ++cache.length;
    auto o_BA = Tensor::uninitialized(context, x_BD.rows, q_BA.cols());
    moe::cpu::parallel(context, x_BD.rows * shape.heads, [&](moe::Index task) {
      attend(q_BA.view(), task / shape.heads, task % shape.heads, cache, o_BA.view());
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
  static void append(moe::Row<const Value> row, moe::Index length, Tensor& stored) {
    if (length == stored.rows()) {
      Tensor larger(std::max<moe::Index>(64, 2 * length), row.size);
      std::copy_n(stored.data(), length * row.size, larger.data());
      stored = std::move(larger);
    }
    std::copy_n(row.data, row.size, stored.view().row(length).data);
  }
  void attend(ConstView q_BA, moe::Index b, moe::Index h, const Cache& cache, moe::View<Value, Backend> o_BA) const {
    const moe::Index d = shape.head_dim, kv = h / (shape.heads / shape.kv_heads);
    const ConstView k = cache.k_LC[static_cast<std::size_t>(b)], v = cache.v_LC[static_cast<std::size_t>(b)];
    const auto scale = static_cast<Value>(1 / std::sqrt(static_cast<double>(d)));
    std::vector<Value> weights(static_cast<std::size_t>(cache.length));
    for (moe::Index t = 0; t < cache.length; ++t)
      weights[static_cast<std::size_t>(t)] = scale * moe::cpu::dot(&q_BA(b, h * d), &k(t, kv * d), d);
    const moe::Row<Value> row{weights.data(), cache.length};
    moe::softmax<Value>(row, row);
    for (moe::Index c = 0; c < d; ++c) o_BA(b, h * d + c) = 0;
    for (moe::Index t = 0; t < cache.length; ++t)
      for (moe::Index c = 0; c < d; ++c) o_BA(b, h * d + c) += row[t] * v(t, kv * d + c);
  }
};

}  // namespace multipl_moe
