/// The operations on rows for the CPU; rows.hpp describes them.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <type_traits>
#include <vector>

#include "moe/backend/cpu/cpu.hpp"
#include "moe/backend/cpu/isa/instantiations.hpp"
#include "moe/core/matrix.hpp"
#include "moe/core/row.hpp"
#include "moe/ops/add.hpp"
#include "multipl_moe/model/row_types.hpp"
#include "multipl_moe/model/wide_rows.hpp"

namespace multipl_moe {

template <class Value, class B>
struct HostRows {
  using Context = typename B::Context;
  using Real = moe::Accum<Value>;
  using In = moe::View<const Value, B>;
  using Out = moe::View<Value, B>;
  using RealIn = moe::View<const Real, B>;
  using RealOut = moe::View<Real, B>;
  using Indices = moe::View<const moe::Index, B>;
  using Tokens = std::span<const std::int32_t>;

  static void rms_norm(const Context& context, In x_TD, In w_1D, double epsilon, Out y_TD, RealOut scale_1T) {
    if constexpr (is_widened<Value>) {
      const auto& rows = moe::cpu::narrow_row_kernels();
      const auto wide_weight = widened_rows<B>(context, w_1D);
      for_each_row_with_memory(context, x_TD.rows, x_TD.cols, [&](moe::Index t, Real* x) {
        rows.widen(x_TD.cols, x_TD.row(t).data, x);
        const Real s = scale_of(x, x_TD.cols, epsilon);
        scale_1T(0, t) = s;
        const Real* const w = wide_weight.data();
        for (moe::Index d = 0; d < x_TD.cols; ++d) x[d] = x[d] * s * w[d];
        rows.narrow(x_TD.cols, x, y_TD.row(t).data);
      });
    } else {
      B::for_each(context, x_TD.rows, [=](moe::Index t) {
        const Value s = scale_of(x_TD.row(t).data, x_TD.cols, epsilon);
        scale_1T(0, t) = s;
        for (moe::Index d = 0; d < x_TD.cols; ++d) y_TD(t, d) = x_TD(t, d) * s * w_1D(0, d);
      });
    }
  }

  static void add_rms_norm_gradient(const Context& context, In d_y_TD, In x_TD, RealIn scale_1T, In w_1D, Out d_x_TD,
                                    RealOut d_w_1D) {
    const moe::Index width = x_TD.cols;
    const bool trains = !d_w_1D.empty();
    if constexpr (is_widened<Value>) {
      const auto& rows = moe::cpu::narrow_row_kernels();
      const auto wide_weight = widened_rows<B>(context, w_1D);
      auto d_weights = moe::Matrix<Real, B>::uninitialized(context, trains ? x_TD.rows : 0, width);
      for_each_row_with_memory(context, x_TD.rows, 3 * width, [&, d_w = d_weights.view()](moe::Index t, Real* memory) {
        Real *const d_y = memory, *const x = memory + width, *const d_x = memory + 2 * width;
        const Real* const w = wide_weight.data();
        rows.widen(width, d_y_TD.row(t).data, d_y);
        rows.widen(width, x_TD.row(t).data, x);
        rows.widen(width, d_x_TD.row(t).data, d_x);
        const Real s = scale_1T(0, t);
        if (trains)
          for (moe::Index d = 0; d < width; ++d) d_w(t, d) = d_y[d] * x[d] * s;
        for (moe::Index d = 0; d < width; ++d) d_y[d] *= w[d];
        const Real mean = moe::cpu::dot(d_y, x, width) * s / static_cast<Real>(width);
        for (moe::Index d = 0; d < width; ++d) d_x[d] += s * (d_y[d] - x[d] * s * mean);
        rows.narrow(width, d_x, d_x_TD.row(t).data);
      });
      if (trains) B::add_column_sums(context, d_weights, d_w_1D);
    } else {
      B::for_each(context, x_TD.rows, [=](moe::Index t) {
        const Value s = scale_1T(0, t);
        const Value mean =
            moe::cpu::lane_sum<Value>(width, [&](moe::Index d) { return d_y_TD(t, d) * w_1D(0, d) * x_TD(t, d); }) * s /
            static_cast<Value>(width);
        for (moe::Index d = 0; d < width; ++d) d_x_TD(t, d) += s * (d_y_TD(t, d) * w_1D(0, d) - x_TD(t, d) * s * mean);
      });
      if (!trains) return;
      auto d_weights = moe::Matrix<Value, B>::uninitialized(context, x_TD.rows, width);
      B::for_each(context, x_TD.rows, [=, d_w = d_weights.view()](moe::Index t) {
        for (moe::Index d = 0; d < width; ++d) d_w(t, d) = d_y_TD(t, d) * x_TD(t, d) * scale_1T(0, t);
      });
      B::add_column_sums(context, d_weights, d_w_1D);
    }
  }

  static void turn(const Context& context, Out x_TC, RealIn table_PC, Indices position_1T, Real direction) {
    if constexpr (is_widened<Value>)
      for_each_row_with_memory(context, x_TC.rows, x_TC.cols, [&](moe::Index t, Real* memory) {
        const auto& rows = moe::cpu::narrow_row_kernels();
        rows.widen(x_TC.cols, x_TC.row(t).data, memory);
        turn_row({memory, x_TC.cols}, table_PC.row(position_1T(0, t)), direction);
        rows.narrow(x_TC.cols, memory, x_TC.row(t).data);
      });
    else
      B::for_each(context, x_TC.rows,
                  [&](moe::Index t) { turn_row(x_TC.row(t), table_PC.row(position_1T(0, t)), direction); });
  }

  static void add(const Context& context, const moe::Matrix<Value, B>& from, Out to) {
    if constexpr (is_widened<Value>)
      for_each_row_with_memory(context, to.rows, to.cols, [&, from = from.view()](moe::Index r, float* sum) {
        // Bitwise moe::add_to(), which is not vectorized for bfloat16.
        const auto& rows = moe::cpu::narrow_row_kernels();
        rows.widen(to.cols, to.row(r).data, sum);
        rows.add_scaled(to.cols, 1, from.row(r).data, sum);
        rows.narrow(to.cols, sum, to.row(r).data);
      });
    else
      moe::add_to(context, from, to);
  }

  static void copy(const Context& context, In from_TD, Out to_TD) {
    B::for_each(context, from_TD.rows,
                [=](moe::Index t) { std::copy_n(from_TD.row(t).data, from_TD.cols, to_TD.row(t).data); });
  }

  /// The table may be in its file (moe::WeightsInFile).
  static void take(const Context& context, In table_VD, Tokens tokens_T, Out x_TD) {
    const moe::BFloat16* const rows = context.packed ? context.packed->rows_of(table_VD) : nullptr;
    B::for_each(context, x_TD.rows, [=](moe::Index t) {
      const moe::Index token = tokens_T[static_cast<std::size_t>(t)];
      if constexpr (std::is_same_v<Value, float>)
        if (rows != nullptr)
          return moe::cpu::narrow_row_kernels().widen(x_TD.cols, rows + token * x_TD.cols, x_TD.row(t).data);
      std::copy_n(table_VD.row(token).data, x_TD.cols, x_TD.row(t).data);
    });
  }

  static void add_by_token(const Context& context, In d_x_TD, Tokens tokens_T, RealOut d_w_VD) {
    moe::cpu::parallel_tiles(context, d_x_TD.cols, 64, [&](moe::Index begin, moe::Index end) {
      for (moe::Index t = 0; t < d_x_TD.rows; ++t)
        for (moe::Index d = begin; d < end; ++d)
          d_w_VD(tokens_T[static_cast<std::size_t>(t)], d) += moe::widened(d_x_TD(t, d));
    });
  }

  static moe::Matrix<Value, B> loss_gradient(const Context& context, moe::Matrix<Real, B> logits_RV, Indices target_1R,
                                             double share, moe::View<double, B> loss_1R) {
    B::for_each(context, logits_RV.rows(), [=, logits = logits_RV.view()](moe::Index r) {
      const moe::Index target = target_1R(0, r);
      const auto row = logits.row(r);
      loss_1R(0, r) = replace_by_probabilities(row, target);
      row[target] -= 1;
      for (Real& d : row) d *= static_cast<Real>(share);
    });
    if constexpr (is_widened<Value>)
      return narrowed_rows<B>(context, logits_RV.const_view());
    else
      return logits_RV;
  }

  static void score(const Context& context, RealOut logits_RV, Indices target_1R, moe::View<double, B> loss_1R,
                    moe::View<moe::Index, B> hit_1R) {
    B::for_each(context, logits_RV.rows, [=](moe::Index r) {
      const moe::Index target = target_1R(0, r);
      const auto row = logits_RV.row(r);
      moe::Index best = 0;
      for (moe::Index v = 1; v < row.size; ++v)
        if (row[v] > row[best]) best = v;
      hit_1R(0, r) = best == target ? 1 : 0;
      loss_1R(0, r) = replace_by_probabilities(row, target);
    });
  }

  static void decode(const Context& context, In q_BA, In k_BC, In v_BC, std::span<const CachedTokens<Value>> cached,
                     moe::Index kv_heads, Out o_BA) {
    for (moe::Index b = 0; b < k_BC.rows; ++b) {
      const auto& past = cached[static_cast<std::size_t>(b)];
      std::copy_n(k_BC.row(b).data, k_BC.cols, past.key(past.length - 1));
      std::copy_n(v_BC.row(b).data, v_BC.cols, past.value(past.length - 1));
    }
    const moe::Index head_dim = k_BC.cols / kv_heads, heads = q_BA.cols / head_dim;
    moe::cpu::parallel(context, q_BA.rows * heads, [&](moe::Index task) {
      const moe::Index b = task / heads, h = task % heads;
      attend(&q_BA(b, h * head_dim), cached[static_cast<std::size_t>(b)], h / (heads / kv_heads), head_dim,
             &o_BA(b, h * head_dim));
    });
  }

 private:
  /// 1 / sqrt(mean(x^2) + epsilon).
  static Real scale_of(const Real* x_D, moe::Index width, double epsilon) {
    const double squares = moe::cpu::sum_of_squares(x_D, width);
    return static_cast<Real>(1 / std::sqrt(squares / static_cast<double>(width) + epsilon));
  }

  static void turn_row(moe::Row<Real> row, moe::Row<const Real> table, Real direction) {
    const moe::Index half = table.size / 2;
    const Real* c = table.data;
    const Real* s = table.data + half;
    for (Real* head = row.begin(); head != row.end(); head += 2 * half)
      for (moe::Index i = 0; i < half; ++i) {
        const Real a = head[i], b = head[i + half];
        head[i] = a * c[i] - direction * b * s[i];
        head[i + half] = b * c[i] + direction * a * s[i];
      }
  }

  /// row = softmax(row); returns -log of the target's probability.
  static double replace_by_probabilities(moe::Row<Real> row, moe::Index target) {
    const auto& kernels = moe::cpu::row_kernels<Real>();
    const Real best = moe::max(row), wanted = row[target];
    // Partial sums of a few thousand values in Real, added in double.
    constexpr moe::Index part = 4096;
    double total = 0;
    for (moe::Index v = 0; v < row.size; v += part)
      total +=
          static_cast<double>(kernels.exponentials(std::min(part, row.size - v), best, row.data + v, row.data + v));
    kernels.scale(row.size, static_cast<Real>(1 / total), row.data, row.data);
    return std::log(total) + static_cast<double>(best) - static_cast<double>(wanted);
  }

  /// One query head of one sequence.
  static void attend(const Value* q, const CachedTokens<Value>& past, moe::Index kv, moe::Index d, Value* o) {
    const auto scale = static_cast<Real>(1 / std::sqrt(static_cast<double>(d)));
    const moe::Index begin = past.begin();
    const auto& kernels = moe::cpu::row_kernels<Real>();
    const auto& narrow_rows = moe::cpu::narrow_row_kernels();
    std::vector<Real> weights, wide;
    weights.reserve(static_cast<std::size_t>(past.length - begin));
    const auto add_weights = [&](const Real* query, const auto& k_row) {
      for (moe::Index t = begin; t < past.length; ++t)
        weights.push_back(scale * kernels.dot(query, k_row(past.key(t) + kv * d), d));
    };
    if constexpr (is_widened<Value>) {
      wide.resize(static_cast<std::size_t>(2 * d));
      narrow_rows.widen(d, q, wide.data());
      add_weights(wide.data(), [&](const Value* row) {
        narrow_rows.widen(d, row, wide.data() + d);
        return wide.data() + d;
      });
    } else {
      add_weights(q, [](const Value* row) { return row; });
    }
    const moe::Row<Real> row{weights.data(), past.length - begin};
    const Real share = 1 / kernels.exponentials(row.size, moe::max(row), row.data, row.data);
    if constexpr (is_widened<Value>) {
      std::fill_n(wide.data(), d, Real(0));
      for (moe::Index t = begin; t < past.length; ++t)
        narrow_rows.add_scaled(d, row[t - begin] * share, past.value(t) + kv * d, wide.data());
      narrow_rows.narrow(d, wide.data(), o);
    } else {
      std::fill_n(o, d, Value(0));
      for (moe::Index t = begin; t < past.length; ++t)
        kernels.add_scaled(d, row[t - begin] * share, past.value(t) + kv * d, o);
    }
  }
};

}  // namespace multipl_moe
