/// The operations of BlockAttention on rows of scores, for every backend: causal softmax and its gradient, and copies
/// of query heads.
#pragma once

#include <cmath>

#include "moe/backend/cuda/vector_access.cuh"
#include "moe/core/bfloat16.hpp"
#include "moe/core/host_device.hpp"
#include "moe/core/matrix.hpp"
#include "moe/core/row.hpp"

namespace multipl_moe {

/// The keys that queries attend to, as positions in their sequence. Scores are computed for tiles of `tile` queries at
/// a time, with all keys that any query of the tile attends to.
struct KeyTiles {
  moe::Index tile, window;

  /// The first position of the tile of a query.
  MOE_HOST_DEVICE moe::Index first(moe::Index query) const { return query / tile * tile; }
  /// The keys of the tile that begins at `first`, in a sequence of `length` tokens: from a tile's first on.
  MOE_HOST_DEVICE moe::Index begin(moe::Index first) const {
    return window > 0 && first >= window ? (first - window + 1) / tile * tile : 0;
  }
  MOE_HOST_DEVICE moe::Index end(moe::Index first, moe::Index length) const {
    return first + tile < length ? first + tile : length;
  }
  /// The position after the last query whose tile has the keys of the tile that begins at `key`.
  MOE_HOST_DEVICE moe::Index queries_end(moe::Index key, moe::Index length) const {
    return window > 0 ? end(first(key + tile + window - 2), length) : length;
  }
  /// The first key that a query attends to; the last is its own.
  MOE_HOST_DEVICE moe::Index first_key(moe::Index query) const {
    return window > 0 && query >= window ? query - window + 1 : 0;
  }
};

/// The rows of a chunk's scores: key-value head after key-value head, for each the tokens in order, for each the
/// `group` query heads that share the key-value head.
struct ScoreRows {
  moe::Index first_token, tokens, first_kv, group;

  /// The row of the first query head of a key-value head at a token.
  MOE_HOST_DEVICE moe::Index row(moe::Index kv, moe::Index token) const {
    return ((kv - first_kv) * tokens + token - first_token) * group;
  }
  MOE_HOST_DEVICE moe::Index token(moe::Index row) const { return first_token + row / group % tokens; }
  MOE_HOST_DEVICE moe::Index head(moe::Index row) const {
    return (first_kv + row / group / tokens) * group + row % group;
  }
};

template <class Value, class B>
struct ScoreRowOperations {
  using Context = typename B::Context;
  using Team = typename B::Team;
  using Real = moe::Accum<Value>;
  using In = moe::View<const Value, B>;
  using Out = moe::View<Value, B>;
  using RealIn = moe::View<const Real, B>;
  using RealOut = moe::View<Real, B>;
  /// Of each token, the position in its sequence and the length of the sequence.
  using Places = moe::View<const moe::Index, B>;
  /// Scores that a lane loads at once.
  static constexpr int width = 4;

  /// p = softmax(scale s) over the keys that the query of each row attends to, 0 for the other keys of its tile; lse of
  /// the row's token and head is the log of the sum of exponentials. p may be s.
  static void causal_softmax(const Context& context, ScoreRows rows, KeyTiles tiles, Places place_2T, Real scale,
                             RealIn s_RK, Out p_RK, RealOut lse_TH) {
    const bool aligned = tiles.tile % width == 0 && moe::gpu::all_aligned<width>(s_RK, p_RK);
    B::for_each_row(context, s_RK.rows, [=] MOE_ON_DEVICE(moe::Index r, Team team) {
      const moe::Index t = rows.token(r), query = place_2T(0, t), first = tiles.first(query),
                       begin = tiles.begin(first), count = tiles.end(first, place_2T(1, t)) - begin,
                       first_key = tiles.first_key(query);
      Real best = moe::below_all<Real>;
      moe::gpu::for_each_vector<width>(team, count, [&](moe::Index at, auto taken) {
        constexpr int n = decltype(taken)::value;
        moe::gpu::Numbers<Real, n> s;
        moe::gpu::load<n>(&s_RK(r, begin + at), aligned, s);
        for (int i = 0; i < n; ++i)
          if (attends(begin + at + i, first_key, query) && s[i] > best) best = s[i];
      });
      best = team.fold(best, moe::Larger{});
      // Infinity minus infinity is not a number.
      const Real shift = best == moe::below_all<Real> ? Real(0) : best;
      Real total = 0;
      moe::gpu::for_each_vector<width>(team, count, [&](moe::Index at, auto taken) {
        constexpr int n = decltype(taken)::value;
        moe::gpu::Numbers<Real, n> s;
        moe::gpu::load<n>(&s_RK(r, begin + at), aligned, s);
        for (int i = 0; i < n; ++i)
          if (attends(begin + at + i, first_key, query)) total += std::exp(scale * (s[i] - shift));
      });
      total = team.sum(total);
      if (team.rank() == 0) lse_TH(t, rows.head(r)) = scale * shift + std::log(total);
      moe::gpu::for_each_vector<width>(team, count, [&](moe::Index at, auto taken) {
        constexpr int n = decltype(taken)::value;
        moe::gpu::Numbers<Real, n> s;
        moe::gpu::load<n>(&s_RK(r, begin + at), aligned, s);
        for (int i = 0; i < n; ++i)
          s[i] = attends(begin + at + i, first_key, query) ? std::exp(scale * (s[i] - shift)) / total : Real(0);
        moe::gpu::store<n>(&p_RK(r, begin + at), aligned, s);
      });
    });
  }

  /// p = exp(scale s - lse) and d_s = scale p (d_p - inner) for the keys that the query of each row attends to, 0 for
  /// the other keys of its tile. p may be s, d_s may be d_p.
  static void softmax_gradient(const Context& context, ScoreRows rows, KeyTiles tiles, Places place_2T, Real scale,
                               RealIn s_RK, RealIn d_p_RK, RealIn lse_TH, RealIn inner_TH, Out p_RK, Out d_s_RK) {
    const bool aligned = tiles.tile % width == 0 && moe::gpu::all_aligned<width>(s_RK, d_p_RK, p_RK, d_s_RK);
    B::for_each_row(context, s_RK.rows, [=] MOE_ON_DEVICE(moe::Index r, Team team) {
      const moe::Index t = rows.token(r), query = place_2T(0, t), first = tiles.first(query),
                       begin = tiles.begin(first), count = tiles.end(first, place_2T(1, t)) - begin,
                       first_key = tiles.first_key(query);
      const Real lse = lse_TH(t, rows.head(r)), inner = inner_TH(t, rows.head(r));
      moe::gpu::for_each_vector<width>(team, count, [&](moe::Index at, auto taken) {
        constexpr int n = decltype(taken)::value;
        moe::gpu::Numbers<Real, n> p, d;
        moe::gpu::load<n>(&s_RK(r, begin + at), aligned, p);
        moe::gpu::load<n>(&d_p_RK(r, begin + at), aligned, d);
        for (int i = 0; i < n; ++i) {
          p[i] = attends(begin + at + i, first_key, query) ? std::exp(scale * p[i] - lse) : Real(0);
          d[i] = attends(begin + at + i, first_key, query) ? scale * p[i] * (d[i] - inner) : Real(0);
        }
        moe::gpu::store<n>(&p_RK(r, begin + at), aligned, p);
        moe::gpu::store<n>(&d_s_RK(r, begin + at), aligned, d);
      });
    });
  }

  /// The inner product of the rows of a and b of every token and head.
  static void inner_products(const Context& context, In a_TA, In b_TA, RealOut inner_TH) {
    const moe::Index heads = inner_TH.cols, width_of_head = a_TA.cols / heads;
    const bool aligned = width_of_head % width == 0 && moe::gpu::all_aligned<width>(a_TA, b_TA);
    B::for_each_row(context, a_TA.rows * heads, [=] MOE_ON_DEVICE(moe::Index r, Team team) {
      const moe::Index t = r / heads, h = r % heads;
      Real sum = 0;
      moe::gpu::for_each_vector<width>(team, width_of_head, [&](moe::Index at, auto taken) {
        constexpr int n = decltype(taken)::value;
        moe::gpu::Numbers<Real, n> a, b;
        moe::gpu::load<n>(&a_TA(t, h * width_of_head + at), aligned, a);
        moe::gpu::load<n>(&b_TA(t, h * width_of_head + at), aligned, b);
        for (int i = 0; i < n; ++i) sum += a[i] * b[i];
      });
      sum = team.sum(sum);
      if (team.rank() == 0) inner_TH(t, h) = sum;
    });
  }

  /// Copies the query heads of the rows, [tokens, heads x head_dim] -> [rows, head_dim].
  static void gather(const Context& context, ScoreRows rows, In x_TA, Out packed_RD) {
    const bool aligned = packed_RD.cols % width == 0 && moe::gpu::all_aligned<width>(x_TA, packed_RD);
    B::for_each_cell(context, packed_RD.rows, moe::gpu::vectors_of<width>(packed_RD.cols),
                     [=] MOE_ON_DEVICE(moe::Index r, moe::Index vector) {
                       moe::gpu::copy_vector<width>(&x_TA(rows.token(r), rows.head(r) * packed_RD.cols), aligned,
                                                    vector, packed_RD.cols, &packed_RD(r, 0));
                     });
  }
  /// The inverse of gather().
  static void scatter(const Context& context, ScoreRows rows, In packed_RD, Out x_TA) {
    const bool aligned = packed_RD.cols % width == 0 && moe::gpu::all_aligned<width>(x_TA, packed_RD);
    B::for_each_cell(context, packed_RD.rows, moe::gpu::vectors_of<width>(packed_RD.cols),
                     [=] MOE_ON_DEVICE(moe::Index r, moe::Index vector) {
                       moe::gpu::copy_vector<width>(&packed_RD(r, 0), aligned, vector, packed_RD.cols,
                                                    &x_TA(rows.token(r), rows.head(r) * packed_RD.cols));
                     });
  }

  MOE_HOST_DEVICE static bool attends(moe::Index key, moe::Index first_key, moe::Index query) {
    return key >= first_key && key <= query;
  }
};

}  // namespace multipl_moe
