/// Causal softmax attention from lists of independent products and operations on rows, for a parallel device. Scores
/// are in memory for a chunk of sequences and heads at a time. Every result is one product over a contiguous range, so
/// that its sums have a fixed order and nothing is accumulated in the type of the values: the query heads that share a
/// key-value head are rows of one matrix of scores.
#pragma once

#include <algorithm>
#include <cmath>
#include <type_traits>
#include <utility>
#include <vector>

#include "moe/core/batch.hpp"
#include "moe/core/matrix.hpp"
#include "moe/core/product.hpp"
#include "multipl_moe/model/attention_shape.hpp"
#include "multipl_moe/model/row_types.hpp"
#include "multipl_moe/model/score_rows.hpp"

namespace multipl_moe {

/// Sizes that results depend on by rounding alone: queries per tile of scores, and bytes of scores and their gradients
/// that are in memory at once. One key-value head of one sequence is never split.
struct BlockSizes {
  moe::Index tile = 256;
  moe::Index scratch_bytes = moe::Index{1} << 30;
};

template <class Value, class B>
class BlockAttention {
 public:
  using Context = typename B::Context;
  using Tensor = moe::Matrix<Value, B>;
  using ConstView = moe::View<const Value, B>;
  using MutableView = moe::View<Value, B>;
  /// Type of scores and their sums.
  using Real = moe::Accum<Value>;
  using Reals = moe::Matrix<Real, B>;
  using Places = moe::View<const moe::Index, B>;

  /// place_2T: as places() returns it; it must outlive the object, as the batch must.
  BlockAttention(AttentionShape shape, const moe::Batch& batch, Places place_2T, BlockSizes sizes = {})
      : shape_(shape),
        batch_(batch),
        place_2T_(place_2T),
        sizes_(sizes),
        tiles_{sizes.tile, shape.window},
        scale_(static_cast<Real>(1 / std::sqrt(static_cast<double>(shape.head_dim)))) {}

  /// Of each token of a batch, the position in its sequence and the length of the sequence.
  static moe::Matrix<moe::Index, B> places(const Context& context, const moe::Batch& batch) {
    std::vector<moe::Index> positions, lengths;
    for (std::size_t b = 0; b + 1 < batch.offsets.size(); ++b) {
      const moe::Index length = batch.offsets[b + 1] - batch.offsets[b];
      for (moe::Index t = 0; t < length; ++t) positions.push_back(t);
      lengths.insert(lengths.end(), static_cast<std::size_t>(length), length);
    }
    positions.insert(positions.end(), lengths.begin(), lengths.end());
    auto places = moe::Matrix<moe::Index, B>::uninitialized(context, 2, batch.rows());
    B::upload(context, positions.data(), places.view());
    return places;
  }

  AttentionOutput<Value, B> attend(const Context& context, ConstView q_TA, ConstView k_TC, ConstView v_TC) const {
    AttentionOutput<Value, B> output{Tensor::uninitialized(context, q_TA.rows, q_TA.cols),
                                     Reals::uninitialized(context, q_TA.rows, shape_.heads)};
    for (const Chunk& chunk : chunks(bytes_of_a_score)) {
      const auto parts = parts_of_queries(chunk);
      const Queries q = queries_of(context, chunk, q_TA);
      auto s_RK = scores_of<Real>(context, chunk);
      Operands<Real> score_products;
      for (const Part& part : parts) score_products.push_back({q(part), keys(k_TC, part), block(s_RK.view(), part)});
      B::template products<moe::Product::right_transposed, Value, Real>(context, score_products);

      auto own_p_RK = rounded_scores_of(context, chunk);
      const MutableView p_RK = in_place_of(s_RK, own_p_RK);
      Rows::causal_softmax(context, chunk.rows, tiles_, place_2T_, scale_, s_RK, p_RK, output.lse_TH.view());

      Results o = results_of(context, chunk, output.o_TA.view());
      Operands<Value> output_products;
      for (const Part& part : parts) output_products.push_back({block(p_RK, part), keys(v_TC, part), o(part)});
      B::template products<moe::Product::plain, Value, Value>(context, output_products);
      o.store(context);
    }
    return output;
  }

  AttentionGradient<Value, B> gradient(const Context& context, ConstView d_o_TA, ConstView q_TA, ConstView k_TC,
                                       ConstView v_TC, const AttentionOutput<Value, B>& output) const {
    AttentionGradient<Value, B> gradient{Tensor::uninitialized(context, q_TA.rows, q_TA.cols),
                                         Tensor::uninitialized(context, k_TC.rows, k_TC.cols),
                                         Tensor::uninitialized(context, v_TC.rows, v_TC.cols)};
    auto inner_TH = Reals::uninitialized(context, q_TA.rows, shape_.heads);
    Rows::inner_products(context, d_o_TA, output.o_TA, inner_TH.view());
    for (const Chunk& chunk : chunks(2 * bytes_of_a_score)) {
      const auto parts = parts_of_queries(chunk);
      const Queries q = queries_of(context, chunk, q_TA), d_o = queries_of(context, chunk, d_o_TA);
      auto s_RK = scores_of<Real>(context, chunk), d_p_RK = scores_of<Real>(context, chunk);
      Operands<Real> score_products;
      for (const Part& part : parts) score_products.push_back({q(part), keys(k_TC, part), block(s_RK.view(), part)});
      for (const Part& part : parts)
        score_products.push_back({d_o(part), keys(v_TC, part), block(d_p_RK.view(), part)});
      B::template products<moe::Product::right_transposed, Value, Real>(context, score_products);

      auto own_p_RK = rounded_scores_of(context, chunk), own_d_s_RK = rounded_scores_of(context, chunk);
      const MutableView p_RK = in_place_of(s_RK, own_p_RK), d_s_RK = in_place_of(d_p_RK, own_d_s_RK);
      Rows::softmax_gradient(context, chunk.rows, tiles_, place_2T_, scale_, s_RK, d_p_RK, output.lse_TH, inner_TH,
                             p_RK, d_s_RK);

      Results d_q = results_of(context, chunk, gradient.d_q_TA.view());
      Operands<Value> query_products, key_products;
      for (const Part& part : parts) query_products.push_back({block(d_s_RK, part), keys(k_TC, part), d_q(part)});
      B::template products<moe::Product::plain, Value, Value>(context, query_products);
      d_q.store(context);
      const auto by_keys = parts_of_keys(chunk);
      for (const Part& part : by_keys)
        key_products.push_back({block(p_RK, part), d_o(part), keys(gradient.d_v_TC.view(), part)});
      for (const Part& part : by_keys)
        key_products.push_back({block(d_s_RK, part), q(part), keys(gradient.d_k_TC.view(), part)});
      B::template products<moe::Product::left_transposed, Value, Value>(context, key_products);
    }
    return gradient;
  }

 private:
  using Rows = ScoreRowOperations<Value, B>;
  template <class Result>
  using Operands = std::vector<moe::ProductOf<Value, Result, B>>;
  /// A score and, if it is rounded, its probability.
  static constexpr moe::Index bytes_of_a_score = sizeof(Real) + (is_widened<Value> ? sizeof(Value) : 0);

  /// Sequences [first, last) and key-value heads [first_kv, last_kv), whose scores are in memory at once.
  struct Chunk {
    moe::Index first, last, first_kv, last_kv, columns;
    ScoreRows rows;

    moe::Index row_count() const { return (last_kv - first_kv) * rows.tokens * rows.group; }
  };
  /// The scores of queries [query, query_end) and keys [key, key_end), positions in the sequence whose first token is
  /// `first`, for one key-value head: rows [row, row_end) of the chunk's scores.
  struct Part {
    moe::Index kv = 0, first = 0, query = 0, query_end = 0, key = 0, key_end = 0, row = 0, row_end = 0;
  };

  /// The rows of a part's query heads: of the copy where several query heads share a key-value head, or of x itself.
  template <class V>
  static moe::View<V, B> query_rows(moe::View<V, B> x_TA, moe::View<V, B> copy_RD, moe::Index head_dim,
                                    const Part& part) {
    if (!copy_RD.empty()) return copy_RD.rows_between(part.row, part.row_end);
    return x_TA.rows_between(part.first + part.query, part.first + part.query_end)
        .cols_between(part.kv * head_dim, (part.kv + 1) * head_dim);
  }
  struct Queries {
    ConstView x_TA;
    Tensor copy_RD;
    moe::Index head_dim;
    ConstView operator()(const Part& part) const { return query_rows(x_TA, copy_RD.const_view(), head_dim, part); }
  };
  struct Results {
    MutableView x_TA;
    Tensor copy_RD;
    moe::Index head_dim;
    ScoreRows rows;
    MutableView operator()(const Part& part) { return query_rows(x_TA, copy_RD.view(), head_dim, part); }
    /// After the last product.
    void store(const Context& context) const {
      if (!copy_RD.empty()) Rows::scatter(context, rows, copy_RD, x_TA);
    }
  };
  Tensor copy_for(const Context& context, const Chunk& chunk) const {
    return Tensor::uninitialized(context, chunk.rows.group > 1 ? chunk.row_count() : 0, shape_.head_dim);
  }
  Queries queries_of(const Context& context, const Chunk& chunk, ConstView x_TA) const {
    Queries queries{x_TA, copy_for(context, chunk), shape_.head_dim};
    if (!queries.copy_RD.empty()) Rows::gather(context, chunk.rows, x_TA, queries.copy_RD.view());
    return queries;
  }
  Results results_of(const Context& context, const Chunk& chunk, MutableView x_TA) const {
    return {x_TA, copy_for(context, chunk), shape_.head_dim, chunk.rows};
  }
  /// The rows of a part's keys or values.
  template <class V>
  moe::View<V, B> keys(moe::View<V, B> x_TC, const Part& part) const {
    return x_TC.rows_between(part.first + part.key, part.first + part.key_end)
        .cols_between(part.kv * shape_.head_dim, (part.kv + 1) * shape_.head_dim);
  }
  template <class V>
  static moe::View<V, B> block(moe::View<V, B> scores_RK, const Part& part) {
    return scores_RK.rows_between(part.row, part.row_end).cols_between(part.key, part.key_end);
  }

  template <class V>
  static moe::Matrix<V, B> scores_of(const Context& context, const Chunk& chunk) {
    return moe::Matrix<V, B>::uninitialized(context, chunk.row_count(), chunk.columns);
  }
  /// Memory for scores rounded to Value; empty if they need no rounding.
  static Tensor rounded_scores_of(const Context& context, const Chunk& chunk) {
    if constexpr (is_widened<Value>)
      return scores_of<Value>(context, chunk);
    else
      return {};
  }
  static MutableView in_place_of([[maybe_unused]] Reals& scores, [[maybe_unused]] Tensor& rounded) {
    if constexpr (is_widened<Value>)
      return rounded.view();
    else
      return scores.view();
  }

  moe::Index first_of(moe::Index sequence) const { return batch_.offsets[static_cast<std::size_t>(sequence)]; }
  moe::Index length_of(moe::Index sequence) const { return first_of(sequence + 1) - first_of(sequence); }

  /// As many sequences, with all their heads, as fit into the memory; or one sequence and as many heads as fit.
  std::vector<Chunk> chunks(moe::Index bytes) const {
    std::vector<Chunk> list;
    const moe::Index group = shape_.heads / shape_.kv_heads, most = sizes_.scratch_bytes / bytes;
    for (moe::Index first = 0, last = 0; first < batch_.count(); first = last) {
      moe::Index tokens = 0, columns = 0;
      for (; last < batch_.count(); ++last) {
        const moe::Index more = tokens + length_of(last), wider = (std::max)(columns, columns_for(length_of(last)));
        if (last > first && more * wider * shape_.heads > most) break;
        tokens = more;
        columns = wider;
      }
      if (tokens == 0) continue;
      const moe::Index step = std::clamp(most / (tokens * columns * group), moe::Index{1}, shape_.kv_heads);
      for (moe::Index kv = 0; kv < shape_.kv_heads; kv += step)
        list.push_back(
            {first, last, kv, (std::min)(kv + step, shape_.kv_heads), columns, {first_of(first), tokens, kv, group}});
    }
    return list;
  }
  /// Columns of scores of `length` keys: rows begin where a device loads them fastest.
  static moe::Index columns_for(moe::Index length) { return (length + 63) / 64 * 64; }

  /// The tiles of queries of a chunk with all their keys, tile after tile, so that products of one shape are neighbors.
  std::vector<Part> parts_of_queries(const Chunk& chunk) const {
    return parts_of(chunk, [&](moe::Index at, moe::Index end, moe::Index) {
      return Part{.query = at, .query_end = end, .key = tiles_.begin(at), .key_end = end};
    });
  }
  /// The tiles of keys of a chunk with all their queries.
  std::vector<Part> parts_of_keys(const Chunk& chunk) const {
    return parts_of(chunk, [&](moe::Index at, moe::Index end, moe::Index length) {
      return Part{.query = at, .query_end = tiles_.queries_end(at, length), .key = at, .key_end = end};
    });
  }
  template <class PartAt>
  std::vector<Part> parts_of(const Chunk& chunk, const PartAt& part_at) const {
    std::vector<Part> parts;
    for (moe::Index at = 0; at < chunk.columns; at += tiles_.tile)
      for (moe::Index b = chunk.first; b < chunk.last; ++b)
        for (moe::Index kv = chunk.first_kv; kv < chunk.last_kv && at < length_of(b); ++kv) {
          Part part = part_at(at, tiles_.end(at, length_of(b)), length_of(b));
          part.kv = kv;
          part.first = first_of(b);
          part.row = chunk.rows.row(kv, part.first + part.query);
          part.row_end = part.row + (part.query_end - part.query) * chunk.rows.group;
          parts.push_back(part);
        }
    return parts;
  }

  AttentionShape shape_;
  const moe::Batch& batch_;
  Places place_2T_;
  BlockSizes sizes_;
  KeyTiles tiles_;
  Real scale_;
};

}  // namespace multipl_moe
