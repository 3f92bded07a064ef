#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "bench/strategies/all.hpp"
#include "bench/strategies/compose.hpp"
#include "moe/layers/presets.hpp"
#include "moe/routing/segmenter/syntax_window.hpp"

namespace moe_bench {

/// A segment level without a token level.
template <class Source, class R, class B>
Strategy<B> segment_strategy(std::string name, std::string routing, R router) {
  return {
      std::move(name), std::move(routing), {}, [router](const Sizes& s) {
        return SuiteLayer<B>(
            moe::SegmentMoE<moe::FixedWindow, Source, R, moe::SoftmaxOverAll, moe::SegmentCapacity, SuiteExpert<B>>(
                {.window = s.window}, Source(s.width), router, {}, fitted(moe::SegmentCapacity{}, s), bank_of<B>(s)));
      }};
}

/// What each token opens, closes and indents.
template <class B>
moe::Matrix<float, B> syntax_table(const std::vector<std::string>& texts) {
  std::vector<float> table;
  for (const std::string& text : texts) {
    const auto syntax = moe::SyntaxWindow::syntax_of(text);
    table.insert(table.end(), syntax.begin(), syntax.end());
  }
  moe::Matrix<float, B> result(std::ssize(texts), moe::SyntaxWindow::features);
  B::upload({}, table.data(), result.view());
  return result;
}

/// A causal segment level with windows that end where the segmenter cuts, half to twice as long as the suite's.
template <class S, class B>
Strategy<B> cut_strategy(std::string name, std::string routing, S segmenter) {
  return {
      std::move(name), std::move(routing), {}, [segmenter](const Sizes& s) {
        using Layer =
            moe::SegmentMoE<S, moe::PreviousMean<float, B>, moe::TrainInfer<moe::ExpertChoice, moe::ThresholdChoice>,
                            moe::SoftmaxOverAll, moe::SegmentCapacity, SuiteExpert<B>>;
        S cuts = segmenter;
        cuts.minimum = std::max<Index>(1, s.window / 2);
        cuts.maximum = 2 * s.window;
        Layer layer(cuts, moe::PreviousMean<float, B>(s.width), {}, {}, fitted(moe::SegmentCapacity{}, s),
                    bank_of<B>(s));
        if constexpr (moe::StatefulSegmenter<S>) layer.routing.table_VF = syntax_table<B>(s.texts);
        return SuiteLayer<B>(std::move(layer));
      }};
}

template <class B>
std::vector<Strategy<B>> segments() {
  using namespace moe;
  std::vector<Strategy<B>> suite;
  suite.push_back(segment_strategy<OwnMean<float, B>, ExpertChoice, B>(
      "segment-mean", "experts choose segments by the segments' means", {}));
  suite.push_back(segment_strategy<OwnMax<float, B>, ExpertChoice, B>(
      "segment-max", "experts choose segments by the segments' maxima", {}));
  suite.push_back(segment_strategy<PreviousMean<float, B>, TrainInfer<ExpertChoice, ThresholdChoice>, B>(
      "causal-segment", "by the previous segment's mean; inference compares with learned thresholds", {}));
  suite.push_back(cut_strategy<BoundaryWindow, B>("line-segment", "as causal-segment, but windows end at line breaks",
                                                  BoundaryWindow{}));
  suite.push_back(cut_strategy<SyntaxWindow, B>(
      "syntax-segment", "as causal-segment, but windows end where a bracket or an indented block closes",
      SyntaxWindow{}));
  return suite;
}

}  // namespace moe_bench
