#pragma once

#include "moe/backend/contract/backend.hpp"
#include "moe/core/list_view.hpp"
#include "moe/experts/expert.hpp"

namespace moe {

/// One of the weights of every expert, as grouped verbs take them: V is a view of constant values, or of those of a
/// gradient.
template <class V, Backend B>
class WeightList {
 public:
  /// Views of experts[e].*which, valid as long as the experts stay where they are.
  template <class Some, class Member>
  WeightList(const typename B::Context& context, ExpertSpan<Some> experts, Member which)
      : count_(static_cast<Index>(experts.size())), views_(context, count_) {
    V* view = views_.data();
    for (std::size_t e = 0; e < experts.size(); ++e) *view++ = (experts[e].*which).view();
  }
  /// The views, valid as long as this is.
  operator ListView<V>() const { return {views_.data(), count_}; }

 private:
  Index count_;
  typename B::template HostBuffer<V> views_;
};

}  // namespace moe
