#pragma once

#include <vector>

#include "moe/core/list_view.hpp"
#include "moe/core/matrix.hpp"
#include "moe/core/require.hpp"
#include "moe/ops/upload_indices.hpp"
#include "moe/routing/segmenter/segmenter.hpp"
#include "moe/routing/steps/segment.hpp"

namespace moe {

/// Where every sequence stands within its segment, and who works on it. Cutter is what the segmenter keeps for each.
template <class Real, class Backend, class Cutter = NoSegmenterState>
struct SegmentDecodingState {
  /// Rows of the current segment so far, for each sequence.
  std::vector<Index> length;
  /// 1 while the current segment is its sequence's first.
  std::vector<Index> opens;
  /// The pooling so far.
  Matrix<Real, Backend> so_far_BD;
  /// The pooled segment before.
  Matrix<Real, Backend> previous_BD;
  /// What the current segment is routed by.
  Matrix<Real, Backend> u_BD;
  /// The gates of the current segment.
  Matrix<Real, Backend> gates_BE;
  /// Who works on the current segments.
  Matrix<ChoiceOrder, Backend> chosen_BE;
  /// What the segmenter keeps for each sequence; empty where it keeps nothing.
  std::vector<Cutter> cutters;

  /// Takes in the sequences of `more`, behind its own. Changes nothing when it throws: Error for the state of another
  /// layer.
  void join(const typename Backend::Context& context, const SegmentDecodingState& more) {
    require(so_far_BD.cols() == more.so_far_BD.cols() && gates_BE.cols() == more.gates_BE.cols(), "DecodingState::join",
            "both states must be of layers with as many columns and experts, got ", so_far_BD.cols(), " and ",
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
  /// Only these sequences stay, in this order. Changes nothing when it throws: Error for one that is not there.
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
