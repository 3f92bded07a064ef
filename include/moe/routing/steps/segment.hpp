#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "moe/backend/contract/backend.hpp"
#include "moe/core/batch.hpp"
#include "moe/core/bfloat16.hpp"
#include "moe/core/counted.hpp"
#include "moe/core/list_view.hpp"
#include "moe/core/matrix.hpp"
#include "moe/core/require.hpp"
#include "moe/core/segments.hpp"
#include "moe/ops/upload_indices.hpp"
#include "moe/routing/segmenter/segmenter.hpp"

namespace moe {

namespace detail {

/// Segments of the batch. starts(b, t, length) returns whether row t of sequence b starts a segment; `length` is the
/// number of rows of the current segment before row t, 0 at a sequence's first row.
template <class Starts>
Segments segments_where(const Batch& batch, const Starts& starts) {
  Segments segments;
  segments.of_row.reserve(static_cast<std::size_t>(batch.rows()));
  Index count = 0;
  for (std::size_t b = 0; b + 1 < batch.offsets.size(); ++b) {
    Index length = 0;
    for (Index t = batch.offsets[b]; t < batch.offsets[b + 1]; ++t) {
      if (starts(b, static_cast<std::size_t>(t), length)) length = 0;
      if (length++ == 0) ++count;
      segments.of_row.push_back(count - 1);
    }
  }
  // Filled after the segments are counted, so that each list is allocated once.
  segments.begin.assign(static_cast<std::size_t>(count) + 1, 0);
  segments.opens_sequence.assign(static_cast<std::size_t>(count), 0);
  const auto segment_of = [&](Index t) {
    return static_cast<std::size_t>(segments.of_row[static_cast<std::size_t>(t)]);
  };
  for (Index t = 0; t < batch.rows(); ++t) segments.begin[segment_of(t) + 1] = t + 1;
  for (std::size_t b = 0; b + 1 < batch.offsets.size(); ++b)
    if (batch.offsets[b] < batch.offsets[b + 1]) segments.opens_sequence[segment_of(batch.offsets[b])] = 1;
  return segments;
}

}  // namespace detail

/// Cuts every sequence of the batch into segments; a sequence's last segment may be shorter (eq. 3, with the incomplete
/// last segment kept).
template <PlainSegmenter S>
Segments cut_into_segments(const S& segmenter, const Batch& batch) {
  return detail::segments_where(batch, [&](std::size_t /*b*/, std::size_t t, Index length) {
    return length > 0 && segmenter.ends_after(length, batch.tokens.empty() ? -1 : batch.tokens[t - 1]);
  });
}
/// The same for a segmenter with state; `states` receives the state of each sequence after its last row. features_TF:
/// the F = S::features numbers of each row's token in the segmenter's table; empty if no token is known.
template <StatefulSegmenter S>
Segments cut_into_segments(const S& segmenter, const Batch& batch, std::span<const float> features_TF,
                           std::vector<typename S::State>& states) {
  states.assign(static_cast<std::size_t>(batch.count()), {});
  return detail::segments_where(batch, [&](std::size_t b, std::size_t t, Index length) {
    const bool is_known = !features_TF.empty() && batch.tokens[t] >= 0;
    const float* token = is_known ? features_TF.data() + t * static_cast<std::size_t>(S::features) : nullptr;
    const bool starts = length > 0 && segmenter.starts_before(states[b], length, token);
    segmenter.read(states[b], token);
    return starts;
  });
}

/// Numbers of a segmenter's table for each token, in host memory: T x F numbers, 0 for unknown tokens; empty without
/// tokens. table_VF has one row of F numbers for each of the V token ids of the vocabulary. Throws Error for a token id
/// beyond the table.
template <class Real, Backend B>
std::vector<float> features_of_tokens(const typename B::Context& context, View<const Real, B> table_VF,
                                      std::span<const std::int32_t> tokens) {
  std::vector<float> features;
  if (tokens.empty()) return features;
  const Index count = static_cast<Index>(tokens.size());
  std::vector<Index> rows(tokens.size(), 0);
  for (std::size_t t = 0; t < tokens.size(); ++t) {
    require(tokens[t] < table_VF.rows, "SegmentRouting", "the segmenter's table has ", counted(table_VF.rows, "tokens"),
            ", the batch has token ", tokens[t], ": fill the buffer token_table for the whole vocabulary");
    rows[t] = tokens[t];
  }
  const Matrix<Index, B> rows_1T = upload_indices<B>(context, rows);
  auto found = Matrix<float, B>::uninitialized(context, count, table_VF.cols);
  B::for_each_cell(context, count, table_VF.cols,
                   [=, rows_ = rows_1T.view(), found_TF = found.view()] MOE_ON_DEVICE(Index t, Index f) {
                     const Index token = rows_(0, t);
                     found_TF(t, f) = token < 0 ? 0.0F : static_cast<float>(table_VF(token, f));
                   });
  features.resize(static_cast<std::size_t>(found.size()));
  B::download(context, found.const_view(), features.data());
  return features;
}

/// values_VE -> values_TE: each row gets the values of its segment.
template <class Value, Backend B>
Matrix<Value, B> repeat_over_rows(const typename B::Context& context, View<const Value, B> values_VE,
                                  View<const Index, B> of_row_1T) {
  auto values = Matrix<Value, B>::uninitialized(context, of_row_1T.cols, values_VE.cols);
  B::for_each_cell(context, of_row_1T.cols, values_VE.cols,
                   [=, values_TE = values.view()] MOE_ON_DEVICE(Index t, Index e) {
                     values_TE(t, e) = values_VE(of_row_1T(0, t), e);
                   });
  return values;
}

/// The rows of a_RD, followed by the rows of b_RD.
template <class Value, Backend B>
Matrix<Value, B> stacked(const typename B::Context& context, const Matrix<Value, B>& a_RD,
                         const Matrix<Value, B>& b_RD) {
  auto both = Matrix<Value, B>::uninitialized(context, a_RD.rows() + b_RD.rows(), a_RD.cols());
  B::for_each_cell(context, both.rows(), both.cols(),
                   [a = a_RD.view(), b = b_RD.view(), c = both.view()] MOE_ON_DEVICE(Index r, Index d) {
                     c(r, d) = r < a.rows ? a(r, d) : b(r - a.rows, d);
                   });
  return both;
}

/// d_values_TE -> d_values_VE: each segment gets the sum over its rows, added in order.
template <class Value, Backend B>
Matrix<Value, B> repeat_over_rows_backward(const typename B::Context& context, View<const Value, B> d_values_TE,
                                           View<const Index, B> begin_1V) {
  auto d_values = Matrix<Value, B>::uninitialized(context, begin_1V.cols - 1, d_values_TE.cols);
  B::for_each_cell(context, begin_1V.cols - 1, d_values_TE.cols,
                   [=, d_values_VE = d_values.view()] MOE_ON_DEVICE(Index v, Index e) {
                     Accum<Value> sum = 0;
                     for (Index t = begin_1V(0, v); t < begin_1V(0, v + 1); ++t) sum += widened(d_values_TE(t, e));
                     d_values_VE(v, e) = static_cast<Value>(sum);
                   });
  return d_values;
}

/// u_v = first if segment v is the first of its sequence, otherwise row v - back of pooled_VD.
template <class Value, Backend B>
Matrix<Value, B> first_or_before(const typename B::Context& context, View<const Value, B> first_1D,
                                 View<const Value, B> pooled_VD, View<const Index, B> opens_1V, Index back) {
  auto u = Matrix<Value, B>::uninitialized(context, pooled_VD.rows, pooled_VD.cols);
  B::for_each_cell(context, pooled_VD.rows, pooled_VD.cols, [=, u_VD = u.view()] MOE_ON_DEVICE(Index v, Index d) {
    u_VD(v, d) = opens_1V(0, v) != 0 ? first_1D(0, d) : pooled_VD(v - back, d);
  });
  return u;
}

/// Decoding: to_b = from_b for every sequence b whose next row is the first of a segment.
template <class Value, Backend B>
void take_at_first_row(const typename B::Context& context, View<const Index, B> length_1B, View<const Value, B> from_BN,
                       View<Value, B> to_BN) {
  B::for_each_cell(context, to_BN.rows, to_BN.cols, [=] MOE_ON_DEVICE(Index b, Index n) {
    if (length_1B(0, b) == 0) to_BN(b, n) = from_BN(b, n);
  });
}

}  // namespace moe
