#pragma once

#include <vector>

#include "moe/backend/cuda/product.cuh"
#include "moe/core/group_offsets.hpp"
#include "moe/core/list_view.hpp"
#include "moe/core/view.hpp"

namespace moe::gpu {

/// What one product reads and writes.
template <class In_, class Out_, class Backend>
struct Operands {
  View<const In_, Backend> a, b;
  View<Out_, Backend> c;
  bool adds;
};

/// Products that need not wait for each other. Those of one shape that are asked for in a row are one batch.
template <class In_, class Out_, class Backend>
class SideBySide {
 public:
  /// Room for about `count` of them.
  template <class Context>
  SideBySide(const Context& context, Index count) : device_(*context.device), lanes_(device_.begin_tasks(count)) {}
  SideBySide(const SideBySide&) = delete;
  SideBySide& operator=(const SideBySide&) = delete;
  /// However it ends, what is freed or enqueued next must come after the products that have begun.
  ~SideBySide() {
    if (!ended_) device_.abandon_tasks();
  }
  /// One product; one without result, or of nothing that adds, is none.
  template <Product product>
  void add(const Operands<In_, Out_, Backend>& operands) {
    if (operands.c.empty() || (operands.adds && (operands.a.empty() || operands.b.empty()))) return;
    const auto task = gemm_of<product>(operands.a, operands.b, operands.c, operands.adds);
    if (!alike_.empty() && !alike_.front().has_shape_of(task)) flush();
    alike_.push_back(task);
  }
  /// What was asked for so far begins.
  void flush() {
    if (alike_.size() == 1) device_.gemm(next_++ % lanes_, alike_.front());
    if (alike_.size() > 1) device_.gemm_batch(ListView<Gemm<In_, Out_>>(alike_));
    alike_.clear();
  }
  /// What is enqueued from now on comes after them.
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

/// f(round, g, begin, end) for `rounds` rounds over every group that has rows: those first whose bounds the host
/// knows, whose products begin, then the others.
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
  // The conversion waits.
  static_cast<void>(static_cast<ListView<Index>>(offsets));
  each(false);
}
/// One product for every group that has rows.
template <Product product, class Backend, class In_, class Out_ = In_, class OperandsOf>
void multiply(const typename Backend::Context& context, const GroupOffsets& offsets, const OperandsOf& operands_of) {
  SideBySide<In_, Out_, Backend> products(context, offsets.groups());
  each_known_first(products, 1, offsets, [&](int, Index g, Index begin, Index end) {
    products.template add<product>(operands_of(g, begin, end));
  });
  products.end();
}

}  // namespace moe::gpu
