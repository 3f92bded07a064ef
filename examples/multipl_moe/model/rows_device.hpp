/// The operations on rows for a parallel device; rows.hpp describes them. A team shares a row: its lanes sum in the
/// accumulation type, and every sum has a fixed order, which depends on the shapes and the size of the team alone. The
/// functions run on every backend, so that they are tested without a device.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include "moe/backend/cuda/row_blocks.cuh"
#include "moe/backend/cuda/vector_access.cuh"
#include "moe/core/host_device.hpp"
#include "moe/core/matrix.hpp"
#include "moe/core/row.hpp"
#include "moe/ops/add.hpp"
#include "moe/ops/upload_indices.hpp"
#include "multipl_moe/model/row_types.hpp"

namespace multipl_moe {

template <class Value, class B>
struct DeviceRows {
  using Context = typename B::Context;
  using Team = typename B::Team;
  using Real = moe::Accum<Value>;
  using In = moe::View<const Value, B>;
  using Out = moe::View<Value, B>;
  using RealIn = moe::View<const Real, B>;
  using RealOut = moe::View<Real, B>;
  using Indices = moe::View<const moe::Index, B>;
  using Tokens = std::span<const std::int32_t>;
  /// Values that a lane loads at once.
  static constexpr int width = 4;

  static void rms_norm(const Context& context, In x_TD, In w_1D, double epsilon, Out y_TD, RealOut scale_1T) {
    const bool aligned = moe::gpu::all_aligned<width>(x_TD, w_1D, y_TD);
    const auto small = static_cast<Real>(epsilon);
    B::for_each_row(context, x_TD.rows, [=] MOE_ON_DEVICE(moe::Index t, Team team) {
      Real squares = 0;
      moe::gpu::for_each_vector<width>(team, x_TD.cols, [&](moe::Index at, auto taken) {
        constexpr int n = decltype(taken)::value;
        moe::gpu::Numbers<Real, n> x;
        moe::gpu::load<n>(&x_TD(t, at), aligned, x);
        for (int i = 0; i < n; ++i) squares += x[i] * x[i];
      });
      const Real scale = 1 / std::sqrt(team.sum(squares) / static_cast<Real>(x_TD.cols) + small);
      if (team.rank() == 0) scale_1T(0, t) = scale;
      moe::gpu::for_each_vector<width>(team, x_TD.cols, [&](moe::Index at, auto taken) {
        constexpr int n = decltype(taken)::value;
        moe::gpu::Numbers<Real, n> x, w;
        moe::gpu::load<n>(&x_TD(t, at), aligned, x);
        moe::gpu::load<n>(&w_1D(0, at), aligned, w);
        for (int i = 0; i < n; ++i) x[i] = x[i] * scale * w[i];
        moe::gpu::store<n>(&y_TD(t, at), aligned, x);
      });
    });
  }

  static void add_rms_norm_gradient(const Context& context, In d_y_TD, In x_TD, RealIn scale_1T, In w_1D, Out d_x_TD,
                                    RealOut d_w_1D) {
    const bool aligned = moe::gpu::all_aligned<width>(d_y_TD, x_TD, w_1D, d_x_TD);
    B::for_each_row(context, x_TD.rows, [=] MOE_ON_DEVICE(moe::Index t, Team team) {
      Real inner = 0;
      moe::gpu::for_each_vector<width>(team, x_TD.cols, [&](moe::Index at, auto taken) {
        constexpr int n = decltype(taken)::value;
        moe::gpu::Numbers<Real, n> d_y, w, x;
        moe::gpu::load<n>(&d_y_TD(t, at), aligned, d_y);
        moe::gpu::load<n>(&w_1D(0, at), aligned, w);
        moe::gpu::load<n>(&x_TD(t, at), aligned, x);
        for (int i = 0; i < n; ++i) inner += d_y[i] * w[i] * x[i];
      });
      const Real scale = scale_1T(0, t), mean = team.sum(inner) * scale / static_cast<Real>(x_TD.cols);
      moe::gpu::for_each_vector<width>(team, x_TD.cols, [&](moe::Index at, auto taken) {
        constexpr int n = decltype(taken)::value;
        moe::gpu::Numbers<Real, n> d_y, w, x, d_x;
        moe::gpu::load<n>(&d_y_TD(t, at), aligned, d_y);
        moe::gpu::load<n>(&w_1D(0, at), aligned, w);
        moe::gpu::load<n>(&x_TD(t, at), aligned, x);
        moe::gpu::load<n>(&d_x_TD(t, at), aligned, d_x);
        for (int i = 0; i < n; ++i) d_x[i] += scale * (d_y[i] * w[i] - x[i] * scale * mean);
        moe::gpu::store<n>(&d_x_TD(t, at), aligned, d_x);
      });
    });
    if (d_w_1D.empty()) return;
    const moe::gpu::RowBlocks blocks(x_TD.rows);
    auto parts = moe::Matrix<Real, B>::uninitialized(context, blocks.count, x_TD.cols);
    B::for_each_cell(context, blocks.count, x_TD.cols,
                     [=, parts_PD = parts.view()] MOE_ON_DEVICE(moe::Index block, moe::Index d) {
                       Real sum = 0;
                       for (moe::Index t = blocks.begin(block); t < blocks.end(block); ++t)
                         sum += moe::widened(d_y_TD(t, d)) * moe::widened(x_TD(t, d)) * scale_1T(0, t);
                       parts_PD(block, d) = sum;
                     });
    B::for_each_element(context, x_TD.cols, [=, parts_PD = parts.view()] MOE_ON_DEVICE(moe::Index d) {
      Real sum = d_w_1D(0, d);
      for (moe::Index block = 0; block < parts_PD.rows; ++block) sum += parts_PD(block, d);
      d_w_1D(0, d) = sum;
    });
  }

  static void turn(const Context& context, Out x_TC, RealIn table_PC, Indices position_1T, Real direction) {
    const moe::Index half = table_PC.cols / 2, heads = x_TC.cols / table_PC.cols,
                     vectors = moe::gpu::vectors_of<width>(half);
    const bool aligned = half % width == 0 && moe::gpu::all_aligned<width>(x_TC, table_PC);
    B::for_each_cell(context, x_TC.rows, heads * vectors, [=] MOE_ON_DEVICE(moe::Index t, moe::Index vector) {
      const moe::Index first = vector / vectors * 2 * half, position = position_1T(0, t);
      moe::gpu::in_vector<width>(vector % vectors, half, [&](moe::Index at, auto taken) {
        constexpr int n = decltype(taken)::value;
        moe::gpu::Numbers<Real, n> a, b, c, s;
        moe::gpu::load<n>(&x_TC(t, first + at), aligned, a);
        moe::gpu::load<n>(&x_TC(t, first + at + half), aligned, b);
        moe::gpu::load<n>(&table_PC(position, at), aligned, c);
        moe::gpu::load<n>(&table_PC(position, at + half), aligned, s);
        for (int i = 0; i < n; ++i) {
          const Real turned = a[i] * c[i] - direction * b[i] * s[i];
          b[i] = b[i] * c[i] + direction * a[i] * s[i];
          a[i] = turned;
        }
        moe::gpu::store<n>(&x_TC(t, first + at), aligned, a);
        moe::gpu::store<n>(&x_TC(t, first + at + half), aligned, b);
      });
    });
  }

  static void add(const Context& context, const moe::Matrix<Value, B>& from, Out to) {
    const In from_TD = from.view();
    const bool aligned = moe::gpu::all_aligned<width>(from_TD, to);
    B::for_each_row(context, to.rows, [=] MOE_ON_DEVICE(moe::Index t, Team team) {
      moe::gpu::for_each_vector<width>(team, to.cols, [&](moe::Index at, auto taken) {
        constexpr int n = decltype(taken)::value;
        moe::gpu::Numbers<Real, n> sum, term;
        moe::gpu::load<n>(&to(t, at), aligned, sum);
        moe::gpu::load<n>(&from_TD(t, at), aligned, term);
        for (int i = 0; i < n; ++i) sum[i] += term[i];
        moe::gpu::store<n>(&to(t, at), aligned, sum);
      });
    });
  }

  static void copy(const Context& context, In from_TD, Out to_TD) { copy_rows(context, from_TD, to_TD, Same{}); }

  static void take(const Context& context, In table_VD, Tokens tokens_T, Out x_TD) {
    const auto tokens = uploaded(context, tokens_T);
    copy_rows(context, table_VD, x_TD, Listed{tokens.const_view()});
  }

  /// One thread per column of a token adds the token's rows, so that no two write one value.
  static void add_by_token(const Context& context, In d_x_TD, Tokens tokens_T, RealOut d_w_VD) {
    std::vector<moe::Index> order(tokens_T.size()), begin, token;
    std::iota(order.begin(), order.end(), moe::Index{0});
    const auto token_of = [&](moe::Index t) { return static_cast<moe::Index>(tokens_T[static_cast<std::size_t>(t)]); };
    std::stable_sort(order.begin(), order.end(), [&](moe::Index a, moe::Index b) { return token_of(a) < token_of(b); });
    for (std::size_t i = 0; i < order.size(); ++i)
      if (i == 0 || token_of(order[i]) != token.back()) {
        begin.push_back(static_cast<moe::Index>(i));
        token.push_back(token_of(order[i]));
      }
    begin.push_back(static_cast<moe::Index>(order.size()));
    const auto rows = moe::upload_indices<B>(context, order), firsts = moe::upload_indices<B>(context, begin),
               distinct = moe::upload_indices<B>(context, token);
    B::for_each_cell(context, distinct.cols(), d_x_TD.cols,
                     [=, row_1T = rows.const_view(), begin_1U = firsts.const_view(),
                      token_1U = distinct.const_view()] MOE_ON_DEVICE(moe::Index u, moe::Index d) {
                       Real sum = d_w_VD(token_1U(0, u), d);
                       for (moe::Index i = begin_1U(0, u); i < begin_1U(0, u + 1); ++i)
                         sum += moe::widened(d_x_TD(row_1T(0, i), d));
                       d_w_VD(token_1U(0, u), d) = sum;
                     });
  }

  /// Values of a row of logits that one team reads, so that a row of a large vocabulary is shared by several.
  static constexpr moe::Index logits_of_a_team = 8192;

  static moe::Matrix<Value, B> loss_gradient(const Context& context, moe::Matrix<Real, B> logits_RV, Indices target_1R,
                                             double share, moe::View<double, B> loss_1R,
                                             moe::Index piece = logits_of_a_team) {
    Softmax softmax = softmax_of(context, logits_RV.view(), target_1R, piece);
    write_losses(context, softmax.view(), loss_1R);
    auto d_logits = [&] {
      if constexpr (is_widened<Value>)
        return moe::Matrix<Value, B>::uninitialized(context, logits_RV.rows(), logits_RV.cols());
      else
        return std::move(logits_RV);
    }();
    const RealIn logits = [&] {
      if constexpr (is_widened<Value>)
        return logits_RV.const_view();
      else
        return d_logits.const_view();
    }();
    write_gradient(context, logits, softmax.view(), target_1R, static_cast<Real>(share), piece, d_logits.view());
    return d_logits;
  }

  static void score(const Context& context, RealIn logits_RV, Indices target_1R, moe::View<double, B> loss_1R,
                    moe::View<moe::Index, B> hit_1R, moe::Index piece = logits_of_a_team) {
    Softmax softmax = softmax_of(context, logits_RV, target_1R, piece);
    write_losses(context, softmax.view(), loss_1R);
    B::for_each_element(context, hit_1R.cols, [=, parts = softmax.view()] MOE_ON_DEVICE(moe::Index r) {
      hit_1R(0, r) = parts.best(r).at == target_1R(0, r) ? 1 : 0;
    });
  }

  /// Cached tokens that one team reads: fixed, so that the order of the sums over a sequence's tokens depends on its
  /// length alone.
  static constexpr moe::Index tokens_of_a_team = 128;

  static void decode(const Context& context, In q_BA, In k_BC, In v_BC, std::span<const CachedTokens<Value>> cached,
                     moe::Index kv_heads, Out o_BA, moe::Index piece = tokens_of_a_team) {
    auto list = moe::Matrix<CachedTokens<Value>, B>::uninitialized(context, 1, q_BA.rows);
    B::upload(context, cached.data(), list.view());
    moe::Index longest = 0;
    for (const auto& past : cached) longest = (std::max)(longest, past.length - past.begin());
    const moe::Index head_dim = k_BC.cols / kv_heads, heads = q_BA.cols / head_dim, group = heads / kv_heads,
                     pieces = (longest + piece - 1) / piece;
    append(context, k_BC, v_BC, list.const_view());
    // One row of scores per head, one row of every other matrix per head and piece.
    auto scores = moe::Matrix<Real, B>::uninitialized(context, q_BA.rows * heads, pieces * piece);
    auto sums = moe::Matrix<Real, B>::uninitialized(context, q_BA.rows * heads * pieces, head_dim);
    auto totals = moe::Matrix<Real, B>::uninitialized(context, q_BA.rows * heads * pieces, 2);
    const Pieces all{piece, pieces, heads, group, head_dim};
    score_pieces(context, all, q_BA, list.const_view(), scores.view());
    sum_pieces(context, all, scores.const_view(), list.const_view(), sums.view(), totals.view());
    join_pieces(context, all, sums.const_view(), totals.const_view(), list.const_view(), o_BA);
  }

  // Each of the functions below is one kernel. They are public because nvcc does not compile device lambdas in private
  // functions.

  /// The row that a row is copied from: the same one, or that of a list.
  struct Same {
    MOE_HOST_DEVICE moe::Index operator()(moe::Index t) const { return t; }
  };
  struct Listed {
    Indices row_1T;
    MOE_HOST_DEVICE moe::Index operator()(moe::Index t) const { return row_1T(0, t); }
  };
  /// Copies a row to every row of `to`, vectors of which are one thread's each: a few long rows are many threads' work.
  template <class RowOf>
  static void copy_rows(const Context& context, In from_RD, Out to_TD, RowOf row_of) {
    constexpr int many = moe::gpu::packet<Value>;
    const bool aligned = moe::gpu::all_aligned<many>(from_RD, to_TD);
    B::for_each_cell(context, to_TD.rows, moe::gpu::vectors_of<many>(to_TD.cols),
                     [=] MOE_ON_DEVICE(moe::Index t, moe::Index vector) {
                       moe::gpu::copy_vector<many>(&from_RD(row_of(t), 0), aligned, vector, to_TD.cols, &to_TD(t, 0));
                     });
  }

  /// The largest of some logits and its token; of equal logits, the lowest token.
  struct Best {
    Real value;
    moe::Index at;
  };
  struct BetterOf {
    MOE_HOST_DEVICE Best operator()(const Best& a, const Best& b) const {
      return b.value > a.value || (b.value == a.value && b.at < a.at) ? b : a;
    }
  };
  /// The parts of the softmax of each row, one column per piece of it, and the target's logit.
  struct SoftmaxParts {
    moe::View<Real, B> value_RP;
    moe::View<moe::Index, B> at_RP;
    moe::View<double, B> sum_RP;
    moe::View<Real, B> target_1R;

    MOE_HOST_DEVICE Best best(moe::Index r) const {
      Best found{value_RP(r, 0), at_RP(r, 0)};
      for (moe::Index p = 1; p < value_RP.cols; ++p) found = BetterOf{}(found, {value_RP(r, p), at_RP(r, p)});
      return found;
    }
    /// The sum of exp(logit - best) over the row.
    MOE_HOST_DEVICE double total(moe::Index r, Real best) const {
      double sum = 0;
      for (moe::Index p = 0; p < sum_RP.cols; ++p)
        sum += sum_RP(r, p) * std::exp(static_cast<double>(value_RP(r, p)) - static_cast<double>(best));
      return sum;
    }
  };
  /// What is subtracted before exp: the largest value, or 0 where there is none, for infinity minus infinity is none.
  MOE_HOST_DEVICE static Real shift_of(Real best) { return best == moe::below_all<Real> ? Real(0) : best; }
  struct Softmax {
    moe::Matrix<Real, B> value_RP;
    moe::Matrix<moe::Index, B> at_RP;
    moe::Matrix<double, B> sum_RP;
    moe::Matrix<Real, B> target_1R;
    SoftmaxParts view() { return {value_RP.view(), at_RP.view(), sum_RP.view(), target_1R.view()}; }
  };

  static Softmax softmax_of(const Context& context, RealIn logits_RV, Indices target_1R, moe::Index piece) {
    const moe::Index rows = logits_RV.rows, pieces = (logits_RV.cols + piece - 1) / piece;
    Softmax softmax{moe::Matrix<Real, B>::uninitialized(context, rows, pieces),
                    moe::Matrix<moe::Index, B>::uninitialized(context, rows, pieces),
                    moe::Matrix<double, B>::uninitialized(context, rows, pieces),
                    moe::Matrix<Real, B>::uninitialized(context, 1, rows)};
    sum_logits(context, logits_RV, target_1R, piece, softmax.view());
    return softmax;
  }
  static void sum_logits(const Context& context, RealIn logits_RV, Indices target_1R, moe::Index piece,
                         SoftmaxParts parts) {
    const moe::Index pieces = parts.value_RP.cols;
    const bool aligned = moe::gpu::has_aligned_vectors<width>(logits_RV) && piece % width == 0;
    B::for_each_row(context, logits_RV.rows * pieces, [=] MOE_ON_DEVICE(moe::Index n, Team team) {
      const moe::Index r = n / pieces, p = n % pieces, begin = p * piece,
                       count = moe::gpu::smaller(piece, logits_RV.cols - begin);
      Best best{moe::below_all<Real>, logits_RV.cols};
      moe::gpu::for_each_vector<width>(team, count, [&](moe::Index at, auto taken) {
        constexpr int n_taken = decltype(taken)::value;
        moe::gpu::Numbers<Real, n_taken> x;
        moe::gpu::load<n_taken>(&logits_RV(r, begin + at), aligned, x);
        for (int i = 0; i < n_taken; ++i)
          if (x[i] > best.value) best = {x[i], begin + at + i};
      });
      best = team.fold(best, BetterOf{});
      const Real shift = shift_of(best.value);
      double sum = 0;
      moe::gpu::for_each_vector<width>(team, count, [&](moe::Index at, auto taken) {
        constexpr int n_taken = decltype(taken)::value;
        moe::gpu::Numbers<Real, n_taken> x;
        moe::gpu::load<n_taken>(&logits_RV(r, begin + at), aligned, x);
        Real few = 0;
        for (int i = 0; i < n_taken; ++i) few += std::exp(x[i] - shift);
        sum += static_cast<double>(few);
      });
      sum = team.sum(sum);
      if (team.rank() != 0) return;
      parts.value_RP(r, p) = best.value;
      parts.at_RP(r, p) = best.at;
      parts.sum_RP(r, p) = sum;
      const moe::Index target = target_1R(0, r);
      if (target >= begin && target < begin + count) parts.target_1R(0, r) = logits_RV(r, target);
    });
  }
  static void write_losses(const Context& context, SoftmaxParts parts, moe::View<double, B> loss_1R) {
    B::for_each_element(context, loss_1R.cols, [=] MOE_ON_DEVICE(moe::Index r) {
      const Real best = shift_of(parts.best(r).value);
      loss_1R(0, r) =
          std::log(parts.total(r, best)) + static_cast<double>(best) - static_cast<double>(parts.target_1R(0, r));
    });
  }
  /// d_logits may be the logits.
  static void write_gradient(const Context& context, RealIn logits_RV, SoftmaxParts parts, Indices target_1R,
                             Real share, moe::Index piece, Out d_logits_RV) {
    const moe::Index pieces = parts.value_RP.cols;
    const bool aligned = moe::gpu::all_aligned<width>(logits_RV, d_logits_RV) && piece % width == 0;
    B::for_each_row(context, logits_RV.rows * pieces, [=] MOE_ON_DEVICE(moe::Index n, Team team) {
      const moe::Index r = n / pieces, begin = n % pieces * piece,
                       count = moe::gpu::smaller(piece, logits_RV.cols - begin), target = target_1R(0, r) - begin;
      const Real best = shift_of(parts.best(r).value), scale = static_cast<Real>(1 / parts.total(r, best));
      moe::gpu::for_each_vector<width>(team, count, [&](moe::Index at, auto taken) {
        constexpr int n_taken = decltype(taken)::value;
        moe::gpu::Numbers<Real, n_taken> x;
        moe::gpu::load<n_taken>(&logits_RV(r, begin + at), aligned, x);
        for (int i = 0; i < n_taken; ++i)
          x[i] = share * (std::exp(x[i] - best) * scale - (at + i == target ? Real(1) : Real(0)));
        moe::gpu::store<n_taken>(&d_logits_RV(r, begin + at), aligned, x);
      });
    });
  }

  /// How the cached tokens of a sequence are split: piece p has the tokens from begin + p size on.
  struct Pieces {
    moe::Index size, count, heads, group, head_dim;

    MOE_HOST_DEVICE moe::Index begin(moe::Index p, const CachedTokens<Value>& past) const {
      return moe::gpu::smaller(past.length, past.begin() + p * size);
    }
    MOE_HOST_DEVICE moe::Index end(moe::Index p, const CachedTokens<Value>& past) const { return begin(p + 1, past); }
  };
  using CacheList = moe::View<const CachedTokens<Value>, B>;

  static void append(const Context& context, In k_BC, In v_BC, CacheList cached_1B) {
    B::for_each_cell(context, k_BC.rows, k_BC.cols, [=] MOE_ON_DEVICE(moe::Index b, moe::Index c) {
      const auto& past = cached_1B(0, b);
      past.key(past.length - 1)[c] = k_BC(b, c);
      past.value(past.length - 1)[c] = v_BC(b, c);
    });
  }
  /// The scaled score of every cached token, for every head.
  static void score_pieces(const Context& context, Pieces all, In q_BA, CacheList cached_1B, RealOut scores_NL) {
    const bool aligned = all.head_dim % width == 0 && moe::gpu::has_aligned_vectors<width>(q_BA);
    const auto scale = static_cast<Real>(1 / std::sqrt(static_cast<double>(all.head_dim)));
    B::for_each_row(context, scores_NL.rows * all.count, [=] MOE_ON_DEVICE(moe::Index n, Team team) {
      const moe::Index row = n / all.count, p = n % all.count, b = row / all.heads, h = row % all.heads;
      const CachedTokens<Value> past = cached_1B(0, b);
      const Value* const q = &q_BA(b, h * all.head_dim);
      const Value* const keys = past.k + h / all.group * all.head_dim;
      const moe::Index begin = all.begin(p, past), end = all.end(p, past);
      moe::Index at_row = past.row(begin);
      for (moe::Index t = begin; t < end; ++t, at_row = past.next(at_row)) {
        const Value* const k = keys + at_row * past.width;
        Real sum = 0;
        moe::gpu::for_each_vector<width>(team, all.head_dim, [&](moe::Index at, auto taken) {
          constexpr int n_taken = decltype(taken)::value;
          moe::gpu::Numbers<Real, n_taken> left, right;
          moe::gpu::load<n_taken>(q + at, aligned, left);
          moe::gpu::load<n_taken>(k + at, aligned, right);
          for (int i = 0; i < n_taken; ++i) sum += left[i] * right[i];
        });
        sum = team.sum(sum);
        if (team.rank() == 0) scores_NL(row, t - past.begin()) = scale * sum;
      }
    });
  }
  /// The largest score, the sum of exp(score - largest) and the weighted sum of values of every piece.
  static void sum_pieces(const Context& context, Pieces all, RealIn scores_NL, CacheList cached_1B, RealOut sums_MD,
                         RealOut totals_M2) {
    const bool aligned = all.head_dim % width == 0;
    B::for_each_row(context, sums_MD.rows, [=] MOE_ON_DEVICE(moe::Index n, Team team) {
      const moe::Index row = n / all.count, p = n % all.count, b = row / all.heads, h = row % all.heads;
      const CachedTokens<Value> past = cached_1B(0, b);
      const moe::Index begin = all.begin(p, past), end = all.end(p, past);
      if (begin == end) return;
      const Value* const values = past.v + h / all.group * all.head_dim;
      const moe::Index first_row = past.row(begin);
      const moe::Row<const Real> scores{&scores_NL(row, begin - past.begin()), end - begin};
      const Real best = (moe::max)(scores, team), shift = shift_of(best), total = moe::sum_exp(scores, shift, team);
      if (team.rank() == 0) {
        totals_M2(n, 0) = best;
        totals_M2(n, 1) = total;
      }
      moe::gpu::for_each_vector<width>(team, all.head_dim, [&](moe::Index at, auto taken) {
        constexpr int n_taken = decltype(taken)::value;
        moe::gpu::Numbers<Real, n_taken> sum = {}, v;
        moe::Index at_row = first_row;
        for (moe::Index t = 0; t < end - begin; ++t, at_row = past.next(at_row)) {
          const Real weight = std::exp(scores[t] - shift);
          moe::gpu::load<n_taken>(values + at_row * past.width + at, aligned, v);
          for (int i = 0; i < n_taken; ++i) sum[i] += weight * v[i];
        }
        moe::gpu::store<n_taken>(&sums_MD(n, at), aligned, sum);
      });
    });
  }
  /// Adds the pieces of a row in their order.
  static void join_pieces(const Context& context, Pieces all, RealIn sums_MD, RealIn totals_M2, CacheList cached_1B,
                          Out o_BA) {
    B::for_each_cell(context, o_BA.rows, o_BA.cols, [=] MOE_ON_DEVICE(moe::Index b, moe::Index a) {
      const auto& past = cached_1B(0, b);
      const moe::Index first = (b * all.heads + a / all.head_dim) * all.count, d = a % all.head_dim,
                       used = (past.length - past.begin() + all.size - 1) / all.size;
      Real best = totals_M2(first, 0);
      for (moe::Index p = 1; p < used; ++p) best = moe::Larger{}(best, totals_M2(first + p, 0));
      Real sum = 0, total = 0;
      for (moe::Index p = 0; p < used; ++p) {
        const Real fade = std::exp(totals_M2(first + p, 0) - best);
        sum += fade * sums_MD(first + p, d);
        total += fade * totals_M2(first + p, 1);
      }
      o_BA(b, a) = static_cast<Value>(sum / total);
    });
  }

 private:
  static moe::Matrix<moe::Index, B> uploaded(const Context& context, Tokens tokens_T) {
    return moe::upload_indices<B>(context, std::vector<moe::Index>(tokens_T.begin(), tokens_T.end()));
  }
};

}  // namespace multipl_moe
