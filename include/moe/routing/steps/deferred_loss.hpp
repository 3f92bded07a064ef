#pragma once

#include <utility>

#include "moe/backend/contract/backend.hpp"
#include "moe/core/matrix.hpp"

namespace moe {

/// A loss whose sums may still be on their way from the device: sum_i weight_i sums_i. It reads as a number, and
/// whoever reads it waits for them; nobody else does. Without sums it is 0.
template <class Real, class B>
class DeferredLoss {
 public:
  /// 0.
  DeferredLoss() = default;
  /// The sums of a view of one row, each times `weight(i)`, from now on or later.
  template <class WeightOf>
  DeferredLoss(const typename B::Context& context, typename B::template AsyncCopy<Real> sums, Index count,
               const WeightOf& weight)
      : sums_(std::move(sums)), weights_(context, count), count_(count) {
    for (Index i = 0; i < count; ++i) weights_.data()[i] = weight(i);
  }

  /// The loss.
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
