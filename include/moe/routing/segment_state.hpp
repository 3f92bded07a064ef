#pragma once

#include <vector>

#include "moe/core/list_view.hpp"
#include "moe/core/matrix.hpp"
#include "moe/core/require.hpp"
#include "moe/ops/upload_indices.hpp"
#include "moe/routing/segmenter/segmenter.hpp"
#include "moe/routing/steps/segment.hpp"

namespace moe {

/// Decoding state of segment routing: the position of every sequence within its current segment, and the experts of
/// that segment. Cutter is the segmenter's state for one sequence.
template <class Real, class Backend, class Cutter = NoSegmenterState>
struct SegmentDecodingState {
  /// Number of rows of the current segment so far, for each sequence.
  std::vector<Index> length;
  /// 1 while the current segment is its sequence's first.
  std::vector<Index> opens;
  /// Running pooling of the current segment.
  Matrix<Real, Backend> so_far_BD;
  /// The previous segment, pooled.
  Matrix<Real, Backend> previous_BD;
  /// The row that the current segment is routed by.
  Matrix<Real, Backend> u_BD;
  /// The gates of the current segment.
  Matrix<Real, Backend> gates_BE;
  /// Choice order of the experts for the current segment.
  Matrix<ChoiceOrder, Backend> chosen_BE;
  /// The segmenter's state for each sequence; empty for a segmenter without state.
  std::vector<Cutter> cutters;

  /// Appends the sequences of `more`. Throws Error if the two states differ in the number of columns or experts; this
  /// state is then unchanged.
  void join(const typename Backend::Context& context, const SegmentDecodingState& more) {
    require(so_far_BD.cols() == more.so_far_BD.cols() && gates_BE.cols() == more.gates_BE.cols(), "DecodingState::join",
            "both states must have the same number of columns and experts, got ", so_far_BD.cols(), " and ",
            more.so_far_BD.cols(), " columns, ", gates_BE.cols(), " and ", more.gates_BE.cols(), " experts");
    SegmentDecodingState both{length,
                              opens,
                              stacked<Real, Backend>(context, so_far_BD, more.so_far_BD),
                              stacked<Real, Backend>(context, previous_BD, more.previous_BD),
                              stacked<Real, Backend>(context, u_BD, more.u_BD),
                              stacked<Real, Backend>(context, gates_BE, more.gates_BE),
                              stacked<ChoiceOrder, Backend>(context, chosen_BE, more.chosen_BE),
                              cutters};
    both.length.insert(both.length.end(), more.length.begin(), more.length.end());
    both.opens.insert(both.opens.end(), more.opens.begin(), more.opens.end());
    both.cutters.insert(both.cutters.end(), more.cutters.begin(), more.cutters.end());
    *this = std::move(both);
  }
  /// Keeps only these sequences, in this order. Throws Error for a sequence that does not exist; the state is then
  /// unchanged.
  void keep(const typename Backend::Context& context, ListView<Index> sequences) {
    for (const Index b : sequences)
      require(b >= 0 && b < std::ssize(length), "DecodingState::keep", "sequences must lie in [0, ", length.size(),
              "), got ", b);
    const Matrix<Index, Backend> kept_1B = upload_indices<Backend>(context, sequences);
    const auto rows = kept_1B.const_view();
    SegmentDecodingState kept{{},
                              {},
                              repeat_over_rows<Real, Backend>(context, so_far_BD.const_view(), rows),
                              repeat_over_rows<Real, Backend>(context, previous_BD.const_view(), rows),
                              repeat_over_rows<Real, Backend>(context, u_BD.const_view(), rows),
                              repeat_over_rows<Real, Backend>(context, gates_BE.const_view(), rows),
                              repeat_over_rows<ChoiceOrder, Backend>(context, chosen_BE.const_view(), rows),
                              {}};
    for (const Index b : sequences) {
      kept.length.push_back(length[static_cast<std::size_t>(b)]);
      kept.opens.push_back(opens[static_cast<std::size_t>(b)]);
      if (!cutters.empty()) kept.cutters.push_back(cutters[static_cast<std::size_t>(b)]);
    }
    *this = std::move(kept);
  }
};

}  // namespace moe
