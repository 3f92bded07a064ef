#pragma once

#include "bench/strategies/all.hpp"
#include "bench/strategies/compose.hpp"
#include "moe/layers/presets.hpp"

namespace moe_bench {

/// A segment level by itself.
template <class Source, class R, class B>
Strategy<B> segment_strategy(std::string name, std::string routing, R router) {
  return {
      std::move(name), std::move(routing), {}, [router](const Sizes& s) {
        return SuiteLayer<B>(
            moe::SegmentMoE<moe::FixedWindow, Source, R, moe::SoftmaxOverAll, moe::SegmentCapacity, SuiteExpert<B>>(
                {.window = s.window}, Source(s.width), router, {}, fitted(moe::SegmentCapacity{}, s), bank_of<B>(s)));
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
  suite.push_back(segment_strategy<PreviousMean<float, B>, Routing<ExpertChoice, ThresholdChoice>, B>(
      "causal-segment", "by the mean of the segment before; inference compares with learned thresholds", {}));
  return suite;
}

}  // namespace moe_bench
