#pragma once

#include <vector>

#include "moe/backend/cuda/product.cuh"
#include "moe/core/group_offsets.hpp"
#include "moe/core/list_view.hpp"
#include "moe/core/product.hpp"

namespace moe::gpu {

/// Independent products, which may run concurrently. Consecutive products of one shape run as one batch.
template <class In_, class Out_, class Backend>
class IndependentProducts {
 public:
  /// Prepares for about `count` products.
  template <class Context>
  IndependentProducts(const Context& context, Index count)
      : device_(*context.device), lanes_(device_.begin_tasks(count)) {}
  IndependentProducts(const IndependentProducts&) = delete;
  IndependentProducts& operator=(const IndependentProducts&) = delete;
  /// Without end(), for example after an exception, waits for the products that have begun: memory freed and work
  /// enqueued next must come after them.
  ~IndependentProducts() {
    if (!ended_) device_.abandon_tasks();
  }
  /// Adds one product. It is skipped if c is empty, or if it adds to c and an operand is empty.
  template <Product product>
  void add(const ProductOf<In_, Out_, Backend>& operands) {
    if (operands.c.empty() || (operands.adds && (operands.a.empty() || operands.b.empty()))) return;
    const auto task = gemm_of<product>(operands.a, operands.b, operands.c, operands.adds);
    if (!alike_.empty() && !alike_.front().has_shape_of(task)) flush();
    alike_.push_back(task);
  }
  /// Starts the products added so far.
  void flush() {
    if (alike_.size() == 1) device_.gemm(next_++ % lanes_, alike_.front());
    if (alike_.size() > 1) device_.gemm_batch(ListView<Gemm<In_, Out_>>(alike_));
    alike_.clear();
  }
  /// Orders work that is enqueued from now on after the products.
  void end() {
    flush();
    ended_ = true;
    device_.end_tasks();
  }

 private:
  typename Backend::Device& device_;
  int lanes_, next_ = 0;
  bool ended_ = false;
  std::vector<Gemm<In_, Out_>> alike_;
};

/// Calls f(round, g, begin, end) for `rounds` rounds over every non-empty group. Groups whose bounds are known on the
/// host come first, and their products start; then the host waits for the bounds of the others.
template <class Products, class F>
void each_known_first(Products& products, int rounds, const GroupOffsets& offsets, const F& f) {
  std::vector<bool> known;
  for (Index g = 0; g < offsets.groups(); ++g) known.push_back(offsets.knows(g));
  const auto each = [&](bool wanted) {
    for (int round = 0; round < rounds; ++round)
      for (Index g = 0; g < offsets.groups(); ++g)
        if (known[static_cast<std::size_t>(g)] == wanted && offsets[g] < offsets[g + 1])
          f(round, g, offsets[g], offsets[g + 1]);
    products.flush();
  };
  each(true);
  // The conversion waits for the unknown offsets.
  static_cast<void>(static_cast<ListView<Index>>(offsets));
  each(false);
}
/// One product for every non-empty group.
template <Product product, class Backend, class In_, class Out_ = In_, class OperandsOf>
void multiply(const typename Backend::Context& context, const GroupOffsets& offsets, const OperandsOf& operands_of) {
  IndependentProducts<In_, Out_, Backend> products(context, offsets.groups());
  each_known_first(products, 1, offsets, [&](int, Index g, Index begin, Index end) {
    products.template add<product>(operands_of(g, begin, end));
  });
  products.end();
}

}  // namespace moe::gpu
