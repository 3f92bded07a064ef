#pragma once

#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "moe/core/matrix.hpp"
#include "moe/core/module.hpp"
#include "moe/core/trees.hpp"
#include "moe/ops/add.hpp"

namespace moe {

/// Calls visit(name, tensor of each tree...) for every weight, in one fixed order. Saving, loading, counting, zeroing,
/// clipping and optimizer steps all use this order. The trees must have the same structure, as a layer and its
/// gradient. Throws Error at the first part in which they differ. Tensor shapes are not compared: the visitor checks
/// them, or require_trees() before the walk.
template <class Visit, class Tree, class... Trees>
void for_each_parameter(Visit&& visit, Tree&& tree, Trees&&... trees) {
  std::remove_cvref_t<Tree>::visit_parameters(visit, std::string(), tree, trees...);
}

/// Calls visit(tensor of each tree...) in the same order, without names. Allocates nothing.
template <class Visit, class Tree, class... Trees>
void for_each_tensor(Visit&& visit, Tree&& tree, Trees&&... trees) {
  std::remove_cvref_t<Tree>::visit_parameters(
      [&](const auto& /*name*/, auto&&... tensors) { visit(std::forward<decltype(tensors)>(tensors)...); }, Nameless{},
      tree, trees...);
}

/// The same as for_each_parameter for a layer's buffers, such as thresholds: they are saved, and have no gradient.
template <class Visit, class Tree, class... Trees>
void for_each_buffer(Visit&& visit, Tree&& tree, Trees&&... trees) {
  std::remove_cvref_t<Tree>::visit_buffers(visit, std::string(), tree, trees...);
}

/// The number of values in the weights whose name `counts(name)` accepts.
template <class Tree, class Counts>
Index count_parameters(const Tree& tree, const Counts& counts) {
  Index total = 0;
  for_each_parameter([&](const std::string& name, const auto& weight) { total += counts(name) ? weight.size() : 0; },
                     tree);
  return total;
}

/// A zero tensor of the shape and rank of `like`.
template <class Tensor>
Tensor zeros_like(const Tensor& like) {
  if constexpr (Tensor::rank == 1)
    return Tensor(like.cols());
  else
    return Tensor(like.rows(), like.cols());
}

namespace detail {

/// Calls trains.require_matches() with all weight names, for rules that have it, such as TrainByName.
template <class Layer, class Trains>
void require_matches(const Layer& layer, const Trains& trains) {
  if constexpr (requires(const std::vector<std::string>& names) { trains.require_matches(names); }) {
    std::vector<std::string> names;
    for_each_parameter([&](const std::string& name, const auto&) { names.push_back(name); }, layer);
    trains.require_matches(names);
  }
}

}  // namespace detail

/// A gradient tree for `layer`: zeros for the weights whose name `trains(name)` accepts, empty tensors, which cost
/// neither memory nor work, for the others. Throws Error for a TrainByName with a pattern that matches no weight.
template <Module Layer, class Trains>
Layer gradient_for(const Layer& layer, const Trains& trains) {
  detail::require_matches(layer, trains);
  Layer gradient = layer.empty_tree();
  for_each_parameter(
      [&](const std::string& name, const auto& weight, auto& slot) {
        if (trains(name)) slot = zeros_like(weight);
      },
      layer, gradient);
  return gradient;
}

/// A gradient tree in which every weight trains.
template <Module Layer>
Layer gradient_for(const Layer& layer) {
  return gradient_for(layer, [](const std::string&) { return true; });
}

/// The same in accumulation precision: float for a layer of BFloat16.
template <Module Layer, class Trains>
auto accum_gradient_for(const Layer& layer, const Trains& trains) {
  detail::require_matches(layer, trains);
  auto gradient = detail::empty_tree_of<Accum<typename Layer::Value>>(layer);
  for_each_parameter(
      [&](const std::string& name, const auto& weight, auto& slot) {
        using Slot = std::remove_reference_t<decltype(slot)>;
        if (!trains(name)) return;
        if constexpr (Slot::rank == 1)
          slot = Slot(weight.cols());
        else
          slot = Slot(weight.rows(), weight.cols());
      },
      layer, gradient);
  return gradient;
}
/// A gradient tree in accumulation precision in which every weight trains.
template <Module Layer>
auto accum_gradient_for(const Layer& layer) {
  return accum_gradient_for(layer, [](const std::string&) { return true; });
}

/// to = from for every weight, rounded to the value type of `to`: a layer of BFloat16 from its master weights in float.
/// Allocates nothing. Throws Error if the trees' shapes differ.
template <Module From, Module To>
void round_weights(const typename To::Context& context, const From& from, To& to) {
  require_trees("round_weights", SameShape{}, from, std::as_const(to));
  for_each_tensor([&](const auto& source, auto& target) { convert(context, source.view(), target.view()); }, from, to);
}

/// Sets all values of all tensors to 0. Allocates nothing.
template <Module Tree>
void set_to_zero(const typename Tree::Context& context, Tree& tree) {
  for_each_tensor([&](auto& tensor) { set_to_zero(context, tensor.view()); }, tree);
}

}  // namespace moe
