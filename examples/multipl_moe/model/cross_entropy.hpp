/// Next-token cross-entropy over a vocabulary, computed in chunks of rows, so that the logits of a whole batch are
/// never in memory at once.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "moe/ops/linear.hpp"
#include "moe/ops/upload_indices.hpp"
#include "multipl_moe/model/activation_values.hpp"
#include "multipl_moe/model/rows.hpp"

namespace multipl_moe {

template <class Value, moe::Backend B>
class CrossEntropy {
 public:
  using Context = typename B::Context;
  using Head = moe::Linear<Value, B>;
  using Tensor = moe::Matrix<Value, B>;
  using ConstView = moe::View<const Value, B>;
  using Rows = RowOperations<Value, B>;

  explicit CrossEntropy(moe::Index chunk_rows = B::is_host ? logit_rows : logit_rows_of_a_device)
      : chunk_rows_(chunk_rows) {}

  struct Gradient {
    double loss = 0;
    Tensor d_h_TD;
  };
  /// Returns share * sum over rows of -log p(target) and its gradient with respect to the head's input; adds the head's
  /// own gradient to `gradient`. The loss is summed in double, in row order. For values of bfloat16 the logits are
  /// float; their gradient is rounded.
  template <class HeadGradient>
  Gradient loss_and_gradient(const Context& context, const Head& head, ConstView h_TD,
                             std::span<const std::int32_t> targets_T, double share, HeadGradient& gradient) const {
    check(head, h_TD, targets_T);
    Gradient result{0, Tensor::uninitialized(context, h_TD.rows, h_TD.cols)};
    const auto target_1T = uploaded(context, targets_T);
    auto loss_1T = moe::Matrix<double, B>::uninitialized(context, 1, h_TD.rows);
    for_each_chunk(h_TD, [&](moe::Index begin, moe::Index end) {
      const auto h = h_TD.rows_between(begin, end);
      const auto d_logits =
          Rows::loss_gradient(context, head.forward_unrounded(context, h), target_1T.view().cols_between(begin, end),
                              share, loss_1T.view().cols_between(begin, end));
      Rows::copy(context, head.backward(context, d_logits, h, gradient), result.d_h_TD.view().rows_between(begin, end));
    });
    for (const double loss : values_of(context, loss_1T)) result.loss += share * loss;
    return result;
  }

  /// For each row: -log p(target), and 1 if the target is the most probable token (ties: the lowest id), else 0.
  struct Scores {
    std::vector<double> losses;
    std::vector<std::uint8_t> hits;
  };
  Scores score(const Context& context, const Head& head, ConstView h_TD,
               std::span<const std::int32_t> targets_T) const {
    check(head, h_TD, targets_T);
    const auto target_1T = uploaded(context, targets_T);
    auto loss_1T = moe::Matrix<double, B>::uninitialized(context, 1, h_TD.rows);
    auto hit_1T = moe::Matrix<moe::Index, B>::uninitialized(context, 1, h_TD.rows);
    for_each_chunk(h_TD, [&](moe::Index begin, moe::Index end) {
      auto logits_RV = head.forward_unrounded(context, h_TD.rows_between(begin, end));
      Rows::score(context, logits_RV.view(), target_1T.view().cols_between(begin, end),
                  loss_1T.view().cols_between(begin, end), hit_1T.view().cols_between(begin, end));
    });
    const auto hits = values_of(context, hit_1T);
    return {values_of(context, loss_1T), std::vector<std::uint8_t>(hits.begin(), hits.end())};
  }

 private:
  static void check(const Head& head, ConstView h_TD, std::span<const std::int32_t> targets_T) {
    moe::require(static_cast<moe::Index>(targets_T.size()) == h_TD.rows, "CrossEntropy", "h has ", h_TD.rows,
                 " rows, there are ", targets_T.size(), " targets");
    for (const std::int32_t target : targets_T)
      moe::require(target >= 0 && target < head.out(), "CrossEntropy", "targets must lie in [0, ", head.out(),
                   "), got ", target);
  }

  template <class F>
  void for_each_chunk(ConstView h_TD, const F& f) const {
    for (moe::Index begin = 0; begin < h_TD.rows; begin += chunk_rows_)
      f(begin, std::min(begin + chunk_rows_, h_TD.rows));
  }

  static moe::Matrix<moe::Index, B> uploaded(const Context& context, std::span<const std::int32_t> targets_T) {
    return moe::upload_indices<B>(context, std::vector<moe::Index>(targets_T.begin(), targets_T.end()));
  }
  template <class Number>
  static std::vector<Number> values_of(const Context& context, const moe::Matrix<Number, B>& row) {
    std::vector<Number> values(static_cast<std::size_t>(row.size()));
    B::download(context, row.const_view(), values.data());
    return values;
  }

  moe::Index chunk_rows_;
};

}  // namespace multipl_moe
