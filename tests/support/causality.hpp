/// What `is_causal` and `is_batch_independent` promise, as measured: each function returns the largest deviation,
/// relative to the largest output. A layer that keeps its promise stays near 0; for one that makes none the same
/// function must not.
#pragma once

#include <algorithm>

#include "support/compositions.hpp"
#include "support/tolerance.hpp"

namespace moe::testing {

/// Decisions closer than this may flip by rounding where row counts differ.
inline constexpr double causality_margin = 1e-4;

/// A trained-looking layer and an input whose inference decisions are clear: thresholds come from a few absorbed
/// batches.
template <class Layer>
struct Subject {
  using Real = typename Layer::Value;
  CpuContext context{.threads = 1};
  Layer layer;
  Matrix<Real, Cpu<>> x_TD;

  Subject(const Sizes& sizes, const Batch& batch, std::uint32_t number) {
    for (std::uint32_t attempt = 0;; ++attempt) {
      Draw draw("causality", 1000 * number + attempt);
      layer = build<Layer>(sizes);
      randomise(draw, layer, 0.7);
      for (int step = 0; step < 3; ++step) {
        const auto x = random_matrix<Real, Cpu<>>(draw, batch.rows(), sizes.width);
        layer.absorb(context, layer.forward(context, x, batch).stats);
      }
      x_TD = random_matrix<Real, Cpu<>>(draw, batch.rows(), sizes.width);
      if (expected(layer, rows_of(x_TD), batch, Phase::inference).decided.margin > causality_margin) return;
    }
  }
};

/// Changes the rows from each place of a sequence on, and looks at the rows before it.
template <class Layer>
double deviation_after_later_change(const Subject<Layer>& subject, const Batch& batch) {
  const auto before = rows_of(subject.layer.infer(subject.context, subject.x_TD, batch));
  Draw draw("later rows");
  double deviation = 0;
  Index longest = 0;
  for (const std::size_t length : lengths_of(batch)) longest = std::max(longest, static_cast<Index>(length));
  for (Index place = 1; place < longest; ++place) {
    auto x_TD = subject.x_TD.copy();
    reference::Rows kept, now;
    for (std::size_t b = 0; b + 1 < batch.offsets.size(); ++b)
      for (Index t = batch.offsets[b] + place; t < batch.offsets[b + 1]; ++t)
        fill_normal(draw, x_TD.view().rows_between(t, t + 1), 3);
    const auto after = rows_of(subject.layer.infer(subject.context, x_TD, batch));
    for (std::size_t b = 0; b + 1 < batch.offsets.size(); ++b)
      for (Index t = batch.offsets[b]; t < std::min(batch.offsets[b] + place, batch.offsets[b + 1]); ++t) {
        kept.push_back(before[static_cast<std::size_t>(t)]);
        now.push_back(after[static_cast<std::size_t>(t)]);
      }
    deviation = std::max(deviation, relative_deviation(flat(kept), flat(now)));
  }
  return deviation;
}

/// Infers every sequence of the batch alone.
template <class Layer>
double deviation_without_batch_mates(const Subject<Layer>& subject, const Batch& batch) {
  const auto together = subject.layer.infer(subject.context, subject.x_TD, batch);
  reference::Rows alone;
  for (std::size_t b = 0; b + 1 < batch.offsets.size(); ++b) {
    const Index begin = batch.offsets[b], end = batch.offsets[b + 1];
    const auto y = subject.layer.infer(subject.context, std::as_const(subject.x_TD).view().rows_between(begin, end),
                                       Batch::single(end - begin));
    for (const auto& row : rows_of(y)) alone.push_back(row);
  }
  return relative_deviation(values_of(together), flat(alone));
}

/// Decodes `count` sequences of `length` rows one row at a time.
template <class Layer>
double deviation_of_decoding(const Subject<Layer>& subject, Index count, Index length) {
  const auto whole = rows_of(subject.layer.infer(subject.context, subject.x_TD, Batch::sequences(count, length)));
  auto state = subject.layer.begin_decoding(subject.context, count);
  auto decoded = whole;
  for (Index t = 0; t < length; ++t) {
    // The t-th row of every sequence: a view whose rows lie `length` rows apart.
    const View<const typename Layer::Value, Cpu<>> x_BD(subject.x_TD.data() + t * subject.x_TD.cols(), count,
                                                        subject.x_TD.cols(), length * subject.x_TD.cols());
    const auto y = rows_of(subject.layer.decode(subject.context, x_BD, {}, state));
    for (Index b = 0; b < count; ++b)
      decoded[static_cast<std::size_t>(b * length + t)] = y[static_cast<std::size_t>(b)];
  }
  return relative_deviation(flat(whole), flat(decoded));
}

}  // namespace moe::testing
