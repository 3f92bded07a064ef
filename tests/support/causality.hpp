/// Measures what `is_causal` and `is_batch_invariant` state: each function returns the largest deviation, relative to
/// the largest output. It is near 0 for a layer that has the property, and clearly above 0 for a layer that does not.
#pragma once

#include <algorithm>

#include "support/compositions.hpp"
#include "support/tolerance.hpp"

namespace moe::testing {

/// Routing decisions closer than this may change by rounding if the number of rows differs.
inline constexpr double causality_margin = 1e-4;

/// A layer as after training, with thresholds from a few batches, and an input whose inference decisions have a margin
/// of at least causality_margin.
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
      randomize(draw, layer, 0.7);
      for (int step = 0; step < 3; ++step) {
        const auto x = random_matrix<Real, Cpu<>>(draw, batch.rows(), sizes.width);
        layer.update_buffers(context, layer.forward(context, x, batch).stats);
      }
      x_TD = random_matrix<Real, Cpu<>>(draw, batch.rows(), sizes.width);
      if (expected(layer, rows_of(x_TD), batch, Phase::inference).decided.margin > causality_margin) return;
    }
  }
};

/// Changes the rows from each position of a sequence on, and compares the outputs of the rows before it.
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

/// Runs inference on every sequence of the batch alone.
template <class Layer>
double deviation_without_batch_neighbors(const Subject<Layer>& subject, const Batch& batch) {
  const auto together = subject.layer.infer(subject.context, subject.x_TD, batch);
  reference::Rows alone;
  for (std::size_t b = 0; b + 1 < batch.offsets.size(); ++b) {
    const Index begin = batch.offsets[b], end = batch.offsets[b + 1];
    const auto y = subject.layer.infer(subject.context, subject.x_TD.const_view().rows_between(begin, end),
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

/// Prefills three sequences of `length` rows, two of them in one pass, then decodes the first and the last of them
/// together to their ends.
template <class Layer>
double deviation_after_prefill(const Subject<Layer>& subject, Index length) {
  const auto& layer = subject.layer;
  const Index width = subject.x_TD.cols();
  const auto x = subject.x_TD.view();
  const auto whole = rows_of(layer.infer(subject.context, subject.x_TD, Batch::sequences(3, length)));
  const auto deviation = [&](const auto& y, Index row, Index of_whole) {
    return relative_deviation(flat({whole[static_cast<std::size_t>(of_whole)]}),
                              values_of(y.const_view().rows_between(row, row + 1)));
  };
  double largest = 0;
  for (Index first = 1; first + 2 <= length; ++first) {
    // The first `first` rows of the first sequence, followed by all rows but the last of the second.
    auto state = layer.begin_decoding(subject.context, 2), more = layer.begin_decoding(subject.context, 1);
    Matrix<typename Layer::Value, Cpu<>> two(first + length - 1, width), x_BD(2, width);
    for (Index t = 0; t < two.rows(); ++t)
      for (Index d = 0; d < width; ++d) two.view()(t, d) = x(t < first ? t : length + t - first, d);
    const auto y = layer.prefill(subject.context, two, Batch::ragged({first, length - 1}), state);
    largest = std::max(largest, deviation(y, y.rows() - 1, 2 * length - 2));
    layer.prefill(subject.context, x.rows_between(2 * length, 2 * length + first + 1), Batch::single(first + 1), more);
    state.join(subject.context, more);
    state.keep(subject.context, {2, 0});
    for (Index t = first; t + 1 < length; ++t) {
      // Row t + 1 of the last sequence, followed by row t of the first one.
      for (Index d = 0; d < width; ++d) x_BD.view()(0, d) = x(2 * length + t + 1, d), x_BD.view()(1, d) = x(t, d);
      const auto next = layer.decode(subject.context, x_BD, {}, state);
      largest = std::max({largest, deviation(next, 0, 2 * length + t + 1), deviation(next, 1, t)});
    }
  }
  return largest;
}

}  // namespace moe::testing
