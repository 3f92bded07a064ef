/// Next-token cross-entropy over a vocabulary, computed in chunks of rows, so that the logits of a whole batch are
/// never in memory at once.
#pragma once

#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

#include "moe/backend/cpu/isa/instantiations.hpp"
#include "moe/ops/linear.hpp"
#include "multipl_moe/model/activation_values.hpp"
#include "multipl_moe/model/wide_rows.hpp"

namespace multipl_moe {

template <class Value, moe::Backend B>
class CrossEntropy {
 public:
  using Context = typename B::Context;
  using Head = moe::Linear<Value, B>;
  using Tensor = moe::Matrix<Value, B>;
  using ConstView = moe::View<const Value, B>;
  /// Type of the logits.
  using Real = moe::Accum<Value>;

  explicit CrossEntropy(moe::Index chunk_rows = logit_rows) : chunk_rows_(chunk_rows) {}

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
    for_each_chunk(h_TD, [&](moe::Index begin, moe::Index end) {
      const auto h = h_TD.rows_between(begin, end);
      auto logits_RV = head.forward_unrounded(context, h);
      std::vector<double> losses(static_cast<std::size_t>(end - begin));
      B::for_each(context, end - begin, [&, logits = logits_RV.view()](moe::Index r) {
        const auto target = targets_T[static_cast<std::size_t>(begin + r)];
        const auto row = logits.row(r);
        losses[static_cast<std::size_t>(r)] = replace_by_probabilities(row, target);
        row[target] -= 1;
        for (Real& d : row) d *= static_cast<Real>(share);
      });
      for (const double loss : losses) result.loss += share * loss;
      const auto d_h = [&] {
        if constexpr (is_widened<Value>)
          return head.backward(context, narrowed_rows<B>(context, logits_RV.const_view()), h, gradient);
        else
          return head.backward(context, logits_RV, h, gradient);
      }();
      B::for_each(context, end - begin, [&, from = d_h.view(), to = result.d_h_TD.view()](moe::Index r) {
        std::copy_n(from.row(r).data, from.cols, to.row(begin + r).data);
      });
    });
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
    Scores scores{std::vector<double>(targets_T.size()), std::vector<std::uint8_t>(targets_T.size())};
    for_each_chunk(h_TD, [&](moe::Index begin, moe::Index end) {
      auto logits_RV = head.forward_unrounded(context, h_TD.rows_between(begin, end));
      B::for_each(context, end - begin, [&, logits = logits_RV.view()](moe::Index r) {
        const auto at = static_cast<std::size_t>(begin + r);
        const auto row = logits.row(r);
        moe::Index best = 0;
        for (moe::Index v = 1; v < row.size; ++v)
          if (row[v] > row[best]) best = v;
        scores.hits[at] = best == targets_T[at] ? 1 : 0;
        scores.losses[at] = replace_by_probabilities(row, targets_T[at]);
      });
    });
    return scores;
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

  /// row = softmax(row); returns -log of the target's probability.
  static double replace_by_probabilities(moe::Row<Real> row, std::int32_t target) {
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

  moe::Index chunk_rows_;
};

}  // namespace multipl_moe
