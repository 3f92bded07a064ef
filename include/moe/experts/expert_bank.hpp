#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "moe/comm/placement.hpp"
#include "moe/core/counted.hpp"
#include "moe/core/require.hpp"
#include "moe/core/trees.hpp"
#include "moe/experts/expert.hpp"

namespace moe {

namespace detail {

/// Holds if the tensors of an expert that lives on another rank are empty.
struct IsElsewhere {
  /// The rule as text for an error message.
  static constexpr std::string_view rule = "the weights of an expert that lives on another rank must be empty here";

  /// Whether the tensor is empty.
  template <class Tensor>
  bool operator()(const Tensor& tensor) const {
    return tensor.empty();
  }
};

}  // namespace detail

/// The experts of one layer. In a gradient tree an expert with empty tensors is frozen: no weight gradient is computed.
template <class X>
struct ExpertBank {
  static_assert(detail::ExpertTypes<X>,
                "ExpertBank: 1st argument must be an Expert such as SwiGlu<float, Cpu<>>: it names Value, Backend, "
                "GroupSaved and rebind<Other>");
  static_assert(
      detail::ExpertForward<X>,
      "ExpertBank: the expert's static forward_groups(context, ExpertSpan<const X>, x_ND, offsets) is missing "
      "or does not return std::pair<Matrix<Value, Backend>, GroupSaved>");
  static_assert(
      detail::ExpertInfer<X>,
      "ExpertBank: the expert's static infer_groups(context, ExpertSpan<const X>, x_ND, offsets) is missing or "
      "does not return Matrix<Value, Backend>");
  static_assert(
      detail::ExpertBackward<X>,
      "ExpertBank: the expert's static backward_groups(context, ExpertSpan<const X>, d_y_ND, gates_1N, "
      "ListView<Index> offsets, x_ND, GroupSaved, d_gates_1N, ExpertSpan<GradientTree>) is missing, does not accept "
      "gradients of X and of rebind<Accum<Value>>, or does not return Matrix<Value, Backend>");
  static_assert(detail::ExpertWidth<X>, "ExpertBank: the expert's Index width() const is missing");
  static_assert(detail::ExpertKeeps<X>,
                "ExpertBank: the expert's bool keeps(const GroupSaved&, Index) const is missing");
  static_assert(
      detail::ExpertStructure<X>,
      "ExpertBank: the expert's X empty_tree() const or rebind<Other> empty_tree_of<Other>() const is missing");
  static_assert(Module<X>, "ExpertBank: the expert's static visit_parameters(visit, prefix, trees...) is missing");

  using Value = typename X::Value;
  using Backend = typename X::Backend;
  template <class Other>
  using rebind = ExpertBank<typename X::template rebind<Other>>;

  /// Entry e is expert e. The weights of an expert that lives on another rank are empty.
  std::vector<X> experts;
  /// Where the experts live; by default, all of them here. Set by place() (experts/place.hpp).
  PlacedExperts place{};

  ExpertBank() = default;
  /// `count` experts X(sizes...), all weights zero. Throws Error if `count` is below 1.
  template <class... Sizes>
  explicit ExpertBank(Index count, Sizes... sizes) {
    require(count >= 1, "ExpertBank", "a layer needs at least 1 expert, got ", count);
    for (Index e = 0; e < count; ++e) experts.emplace_back(sizes...);
  }

  Index count() const { return static_cast<Index>(experts.size()); }
  /// Columns of x. Throws Error if the bank has no experts.
  Index width() const {
    require(!experts.empty(), "ExpertBank", "a layer needs at least 1 expert, got 0");
    return place.is_spread() ? place.width : experts.front().width();
  }
  /// The first expert whose weights are here; null if all of them live on other ranks.
  const X* first_here() const {
    for (std::size_t e = 0; e < experts.size(); ++e)
      if (place.is_here(e)) return &experts[e];
    return nullptr;
  }
  /// Throws Error if the bank has no experts, if the shapes of two experts that are here differ, or if the weights of
  /// an expert that lives on another rank are not empty.
  void require_consistent(std::string_view where) const {
    require(!experts.empty(), where, "a layer needs at least 1 expert, got 0");
    require(!place.is_spread() || place.owner.size() == experts.size(), where, "the placement is of ",
            counted(place.owner.size(), "experts"), ", there are ", experts.size());
    const X* const first = first_here();
    if constexpr (requires { first->require_consistent(where); })
      if (first != nullptr) first->require_consistent(where);
    for (std::size_t e = 0; e < experts.size(); ++e)
      if (!place.is_here(e))
        require_trees(where, detail::IsElsewhere{}, experts[e]);
      else if (&experts[e] != first)
        require_trees(where, SameShape{}, *first, experts[e]);
  }
  /// The experts, read-only, with their places.
  ExpertSpan<const X> span() const { return {experts, place}; }
  /// The experts, or their gradients, for writing.
  std::span<X> span() { return experts; }

  ExpertBank empty_tree() const { return empty_tree_of<Value>(); }
  /// The same tree with values of type Other, every tensor empty.
  template <class Other>
  rebind<Other> empty_tree_of() const {
    rebind<Other> tree;
    for (const X& expert : experts) tree.experts.push_back(detail::empty_tree_of<Other>(expert));
    return tree;
  }

  template <class Visit, class Tree, class... Trees>
  static void visit_parameters(Visit&& visit, const auto& prefix, Tree&& tree, Trees&&... trees) {
    require_agreement(prefix, "the number of experts", tree.experts.size(), trees.experts.size()...);
    for (std::size_t e = 0; e < tree.experts.size(); ++e)
      X::visit_parameters(visit, detail::element_prefix(prefix, "experts.", static_cast<Index>(e)), tree.experts[e],
                          trees.experts[e]...);
  }
};

namespace detail {

/// The expert type of a constructor argument that is an ExpertBank. Any other argument gives the empty Type, so that
/// the layer's static_assert reports the error.
template <class Argument>
struct ExpertIn {
  struct Type {};
};
template <class X>
struct ExpertIn<ExpertBank<X>> {
  using Type = X;
};

}  // namespace detail

}  // namespace moe
