#pragma once

#include "moe/backend/contract/backend.hpp"
#include "moe/core/list_view.hpp"
#include "moe/core/view.hpp"
#include "moe/experts/expert.hpp"

namespace moe {

/// Views of one weight of every expert, the argument of grouped backend operations. V is a view of constant values for
/// weights or of mutable values for gradients.
template <class V, Backend B>
class WeightList {
 public:
  /// Views of experts[e].*which, valid as long as the experts keep their addresses.
  template <class Some, class Member>
  WeightList(const typename B::Context& context, ExpertSpan<Some> experts, Member which)
      : count_(static_cast<Index>(experts.size())), views_(context, count_) {
    V* view = views_.data();
    for (std::size_t e = 0; e < experts.size(); ++e) *view++ = (experts[e].*which).view();
  }
  /// The views, valid during the lifetime of this list.
  operator ListView<V>() const { return {views_.data(), count_}; }

 private:
  Index count_;
  typename B::template HostBuffer<V> views_;
};

/// Read-only views of experts[e].*which for grouped backend operations.
template <class X, class Member>
WeightList<View<const typename X::Value, typename X::Backend>, typename X::Backend> weights_of(
    const typename X::Backend::Context& context, ExpertSpan<const X> experts, Member which) {
  return {context, experts, which};
}

/// Writable views of gradients[e].*which for grouped backend operations that add to them.
template <class GradientTree, class Member>
WeightList<View<typename GradientTree::Value, typename GradientTree::Backend>, typename GradientTree::Backend>
gradient_views(const typename GradientTree::Backend::Context& context, ExpertSpan<GradientTree> gradients,
               Member which) {
  return {context, gradients, which};
}

/// wgrad of the products y = x W^T for each group: gradients[e].*which += d_y^T x over group e's rows; empty tensors
/// are skipped.
template <class Value, class B, class GradientTree, class Member>
void add_wgrads(const typename B::Context& context, View<const Value, B> d_y_NO, View<const Value, B> x_NI,
                ListView<Index> offsets, ExpertSpan<GradientTree> gradients, Member which) {
  B::template grouped_wgrad<Value, typename GradientTree::Value>(context, d_y_NO, x_NI, offsets,
                                                                 gradient_views(context, gradients, which));
}

}  // namespace moe
