#pragma once

#include <algorithm>
#include <cmath>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "moe/backend/contract/backend.hpp"
#include "moe/core/bfloat16.hpp"
#include "moe/core/counted.hpp"
#include "moe/core/list_view.hpp"
#include "moe/core/matrix.hpp"
#include "moe/core/module.hpp"
#include "moe/core/require.hpp"
#include "moe/core/trees.hpp"
#include "moe/experts/expert.hpp"
#include "moe/experts/weight_list.hpp"
#include "moe/ops/add.hpp"
#include "moe/ops/scale.hpp"

namespace moe {

/// The rank of an adapter and the factor of its output.
struct AdapterSize {
  /// Rank, r.
  Index rank = 8;
  /// Scale, s.
  double scale = 1;

  /// s = alpha / r (LoRA).
  static AdapterSize lora(Index rank, double alpha) { return {rank, alpha / static_cast<double>(rank)}; }
  /// s = alpha / sqrt(r) (rsLoRA), as used by MoLE.
  static AdapterSize rank_stabilized(Index rank, double alpha) {
    return {rank, alpha / std::sqrt(static_cast<double>(rank))};
  }
};

/// A LoRA adapter: adds s (x A^T) B^T to a product x W^T, with A [r, I] and B [O, r].
///
/// All adapters of a bank have the same shape. An adapter whose rank is below the bank's largest rank R is padded with
/// zero rows of A and zero columns of B. A padding row of A gets its gradient only through the matching column of B and
/// vice versa, so the padding stays 0 in training.
template <class Value_, class Backend_>
struct LoraAdapter {
  static_assert(moe::Backend<Backend_>, "LoraAdapter: 2nd argument must be a Backend such as Cpu<>");

  using Value = Value_;
  using Backend = Backend_;
  using Context = typename Backend::Context;
  using Tensor = Matrix<Value, Backend>;
  using ConstView = View<const Value, Backend>;
  template <class Other>
  using rebind = LoraAdapter<Other, Backend>;

  /// Tensors that forward_groups saves for add_groups_backward.
  struct GroupSaved {
    /// s x A^T, [N, R].
    Tensor u_NR;
  };

  /// A [R, I] and B [O, R].
  Tensor lora_A, lora_B;
  /// Rank and scale; the rank may be below R.
  AdapterSize size{};

  LoraAdapter() = default;
  /// All zero, padded to rank `stored`. Throws Error if the rank is below 1 or above `stored`, or if the scale is not
  /// finite.
  LoraAdapter(Index in, Index out, AdapterSize size_, Index stored)
      : lora_A(stored, in), lora_B(out, stored), size(size_) {
    require(size.rank >= 1, "LoraAdapter", "the rank must be at least 1, got ", size.rank);
    require(size.rank <= stored, "LoraAdapter", "the rank must be at most the stored rank, got ", size.rank, " and ",
            stored);
    require(std::isfinite(size.scale), "LoraAdapter", "the scale must be finite, got ", size.scale);
  }
  /// All zero, without padding.
  LoraAdapter(Index in, Index out, AdapterSize size_) : LoraAdapter(in, out, size_, size_.rank) {}

  /// Columns of x, I.
  Index in() const { return lora_A.cols(); }
  /// Columns of the adapter's output, O.
  Index out() const { return lora_B.rows(); }
  /// Rank without padding, r.
  Index rank() const { return size.rank; }

  /// Throws Error unless A is [R, in_], B is [out_, R], the rank lies in [1, R], and the scale is finite.
  void require_consistent(std::string_view where, Index in_, Index out_) const {
    require(in() == in_ && out() == out_ && lora_A.rows() == lora_B.cols(), where, "an adapter of ",
            counted(in_, "columns"), " to ", out_, " must have A of R x ", in_, " and B of ", out_, " x R, got ",
            lora_A.rows(), " x ", lora_A.cols(), " and ", lora_B.rows(), " x ", lora_B.cols());
    require(size.rank >= 1 && size.rank <= lora_A.rows() && std::isfinite(size.scale), where,
            "an adapter's rank must lie in [1, ", lora_A.rows(), "] and its scale be finite, got ", size.rank, " and ",
            size.scale);
  }

  /// weight_OI += factor s B A. Each value is summed in a fixed order.
  void add_product(const Context& context, double factor, Tensor& weight_OI) const {
    Tensor scaled_OR = lora_B.copy();
    multiply_by(context, static_cast<Accum<Value>>(factor * size.scale), scaled_OR.view());
    Backend::add_grouped_dgrad(context, scaled_OR, {lora_A.view()}, {0, out()}, weight_OI.view());
  }

  // --- rows [offsets[e], offsets[e+1]) go through adapters[e] --------------------------------------------------------

  /// x_NI -> y_NO = s (x A^T) B^T and the tensors saved for add_groups_backward.
  static std::pair<Tensor, GroupSaved> forward_groups(const Context& context, std::span<const LoraAdapter> adapters,
                                                      ConstView x_NI, ListView<Index> offsets) {
    GroupSaved saved = products_with_a(context, adapters, x_NI, offsets);
    auto y_NO = Tensor::uninitialized(context, x_NI.rows, adapters[0].out());
    Backend::grouped_product(context, saved.u_NR, Weights(context, ExpertSpan(adapters), &LoraAdapter::lora_B), offsets,
                             y_NO.view());
    return {std::move(y_NO), std::move(saved)};
  }
  /// The first product of forward_groups: s x A^T, [N, R].
  static GroupSaved products_with_a(const Context& context, std::span<const LoraAdapter> adapters, ConstView x_NI,
                                    ListView<Index> offsets) {
    GroupSaved saved{Tensor::uninitialized(context, x_NI.rows, adapters[0].lora_A.rows())};
    Backend::grouped_product(context, x_NI, Weights(context, ExpertSpan(adapters), &LoraAdapter::lora_A), offsets,
                             saved.u_NR.view());
    scale_groups(context, adapters, offsets, saved.u_NR.view());
    return saved;
  }

  /// d_x_NI += s (d_y B) A; adds into `gradients`, skipping empty tensors: d_B = d_y^T (s x A^T), d_A = (s d_y B)^T x.
  template <class GradientValue>
  static void add_groups_backward(const Context& context, std::span<const LoraAdapter> adapters, ConstView d_y_NO,
                                  ListView<Index> offsets, ConstView x_NI, GroupSaved saved,
                                  View<Value, Backend> d_x_NI,
                                  std::span<LoraAdapter<GradientValue, Backend>> gradients) {
    using GradientTree = LoraAdapter<GradientValue, Backend>;
    using GradientWeights = WeightList<View<GradientValue, Backend>, Backend>;
    const ExpertSpan all(adapters);
    const ExpertSpan slopes(gradients);
    Backend::template grouped_wgrad<Value, GradientValue>(context, d_y_NO, saved.u_NR.const_view(), offsets,
                                                          GradientWeights(context, slopes, &GradientTree::lora_B));
    // u is no longer needed: d_u reuses its memory.
    Tensor d_u_NR = std::move(saved.u_NR);
    set_to_zero(context, d_u_NR.view());
    Backend::add_grouped_dgrad(context, d_y_NO, Weights(context, all, &LoraAdapter::lora_B), offsets, d_u_NR.view());
    scale_groups(context, adapters, offsets, d_u_NR.view());
    Backend::template grouped_wgrad<Value, GradientValue>(context, d_u_NR.const_view(), x_NI, offsets,
                                                          GradientWeights(context, slopes, &GradientTree::lora_A));
    Backend::add_grouped_dgrad(context, d_u_NR, Weights(context, all, &LoraAdapter::lora_A), offsets, d_x_NI);
  }

  // --- parameter tree -----------------------------------------------------------------------------------------------

  LoraAdapter empty_tree() const { return empty_tree_of<Value>(); }
  /// The same tree with values of type Other, every tensor empty.
  template <class Other>
  rebind<Other> empty_tree_of() const {
    rebind<Other> tree;
    tree.size = size;
    return tree;
  }
  template <class Visit, class... Trees>
  static void visit_parameters(Visit&& visit, const auto& prefix, Trees&&... trees) {
    visit(prefix + "lora_A.weight", trees.lora_A...);
    visit(prefix + "lora_B.weight", trees.lora_B...);
  }

 private:
  using Weights = WeightList<ConstView, Backend>;
  static void scale_groups(const Context& context, std::span<const LoraAdapter> adapters, ListView<Index> offsets,
                           View<Value, Backend> u_NR) {
    for (Index e = 0; e + 1 < offsets.size; ++e)
      if (offsets[e] < offsets[e + 1])
        multiply_by(context, static_cast<Accum<Value>>(adapters[static_cast<std::size_t>(e)].size.scale),
                    u_NR.rows_between(offsets[e], offsets[e + 1]));
  }
};

/// The adapters of one projection, all padded to the largest rank. In a gradient tree an adapter with empty tensors is
/// frozen. A single adapter has peft's tensor names (lora_A.weight); otherwise names are adapters.e.lora_A.weight.
template <class Value_, class Backend_>
struct AdapterBank {
  using Value = Value_;
  using Backend = Backend_;
  template <class Other>
  using rebind = AdapterBank<Other, Backend>;

  /// Entry e is adapter e.
  std::vector<LoraAdapter<Value, Backend>> adapters;

  AdapterBank() = default;
  /// All zero. Throws Error if `sizes` is empty or a rank is below 1.
  AdapterBank(Index in, Index out, const std::vector<AdapterSize>& sizes) {
    require(!sizes.empty(), "AdapterBank", "a bank needs at least 1 adapter, got 0");
    Index stored = 0;
    for (const AdapterSize& size : sizes) stored = (std::max)(stored, size.rank);
    for (const AdapterSize& size : sizes) adapters.emplace_back(in, out, size, stored);
  }

  Index count() const { return static_cast<Index>(adapters.size()); }
  /// Throws Error unless there is at least one adapter and all have the same shape, mapping `in` to `out` columns.
  void require_consistent(std::string_view where, Index in, Index out) const {
    require(!adapters.empty(), where, "a bank needs at least 1 adapter, got 0");
    for (const auto& adapter : adapters) {
      adapter.require_consistent(where, in, out);
      require_trees(where, SameShape{}, adapters.front(), adapter);
    }
  }
  /// Whether `saved` comes from forward_groups over `rows` rows and has not been consumed.
  bool keeps(const typename LoraAdapter<Value, Backend>::GroupSaved& saved, Index rows) const {
    return saved.u_NR.rows() == rows && saved.u_NR.cols() == adapters.front().lora_A.rows();
  }
  /// The adapters, read-only.
  std::span<const LoraAdapter<Value, Backend>> span() const { return adapters; }
  /// The adapters, or their gradients, for writing.
  std::span<LoraAdapter<Value, Backend>> span() { return adapters; }

  AdapterBank empty_tree() const { return empty_tree_of<Value>(); }
  /// The same tree with values of type Other, every tensor empty.
  template <class Other>
  rebind<Other> empty_tree_of() const {
    rebind<Other> tree;
    for (const auto& adapter : adapters) tree.adapters.push_back(adapter.template empty_tree_of<Other>());
    return tree;
  }
  template <class Visit, class Tree, class... Trees>
  static void visit_parameters(Visit&& visit, const auto& prefix, Tree&& tree, Trees&&... trees) {
    require_agreement(prefix, "the number of adapters", tree.adapters.size(), trees.adapters.size()...);
    for (std::size_t e = 0; e < tree.adapters.size(); ++e)
      LoraAdapter<Value, Backend>::visit_parameters(visit, prefix + infix(tree.adapters.size(), e), tree.adapters[e],
                                                    trees.adapters[e]...);
  }
  /// Part of a tensor name between the projection and adapter e of `count`: empty for one adapter, else "adapters.e.".
  static std::string infix(std::size_t count, std::size_t e) {
    return count == 1 ? std::string() : "adapters." + std::to_string(e) + ".";
  }
};

}  // namespace moe
