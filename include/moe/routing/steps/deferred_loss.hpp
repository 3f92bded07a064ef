#pragma once

#include <utility>

#include "moe/backend/contract/backend.hpp"
#include "moe/core/matrix.hpp"

namespace moe {

/// A loss, sum_i weight_i sums_i, whose sums may be pending in an asynchronous copy to the host. Conversion to double
/// waits for the copy; other operations do not wait. Without sums it is 0.
template <class Real, class B>
class DeferredLoss {
 public:
  /// The loss 0.
  DeferredLoss() = default;
  /// `count` sums of a view of one row, pending or complete, each multiplied by `weight(i)`.
  template <class WeightOf>
  DeferredLoss(const typename B::Context& context, typename B::template AsyncCopy<Real> sums, Index count,
               const WeightOf& weight)
      : sums_(std::move(sums)), weights_(context, count), count_(count) {
    for (Index i = 0; i < count; ++i) weights_.data()[i] = weight(i);
  }

  /// The loss; waits for the sums.
  operator double() const {
    double loss = 0;
    if (count_ == 0) return loss;
    const Real* sums = sums_.wait();
    for (Index i = 0; i < count_; ++i) loss += weights_.data()[i] * static_cast<double>(sums[i]);
    return loss;
  }

 private:
  typename B::template AsyncCopy<Real> sums_;
  typename B::template HostBuffer<double> weights_;
  Index count_ = 0;
};

}  // namespace moe
