#pragma once

#include "moe/backend/contract/backend.hpp"
#include "moe/core/list_view.hpp"
#include "moe/core/view.hpp"
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

/// experts[e].*which, to be read by grouped verbs.
template <class X, class Member>
WeightList<View<const typename X::Value, typename X::Backend>, typename X::Backend> weights_of(
    const typename X::Backend::Context& context, ExpertSpan<const X> experts, Member which) {
  return {context, experts, which};
}

/// gradients[e].*which, to be added to by grouped verbs.
template <class GradientTree, class Member>
WeightList<View<typename GradientTree::Value, typename GradientTree::Backend>, typename GradientTree::Backend>
gradient_views(const typename GradientTree::Backend::Context& context, ExpertSpan<GradientTree> gradients,
               Member which) {
  return {context, gradients, which};
}

/// The gradient of products y = x W^T, group by group: gradients[e].*which += d_y^T x over group e's rows; an empty
/// tensor is skipped.
template <class Value, class B, class GradientTree, class Member>
void add_wgrads(const typename B::Context& context, View<const Value, B> d_y_NO, View<const Value, B> x_NI,
                ListView<Index> offsets, ExpertSpan<GradientTree> gradients, Member which) {
  B::template grouped_wgrad<Value, typename GradientTree::Value>(context, d_y_NO, x_NI, offsets,
                                                                 gradient_views(context, gradients, which));
}

}  // namespace moe
