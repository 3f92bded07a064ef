#pragma once

#include <concepts>
#include <cstddef>
#include <sstream>
#include <string>
#include <string_view>

#include "moe/core/module.hpp"
#include "moe/core/require.hpp"

namespace moe {

// What trees that are walked together have in common: equally many parts, and tensors whose shapes fit. A module whose
// number of parts is known at run time only checks that number in its walk (require_agreement); whatever walks several
// trees to change one of them first checks shapes (require_trees), so that a wrong tree changes nothing.

namespace detail {

/// Which function a walk's errors name.
inline std::string_view where_of(const std::string& /*prefix*/) { return "walk"; }
/// The same for a walk without names.
inline std::string_view where_of(Nameless prefix) { return prefix.where; }

template <class Tensor>
void add_shape(std::ostringstream& text, const Tensor& tensor) {
  if (tensor.empty())
    text << "empty";
  else
    text << tensor.rows() << " x " << tensor.cols();
}
/// The tensors' shapes as an error says them.
template <class Tensor, class... Tensors>
std::string shapes_of(const Tensor& first, const Tensors&... others) {
  std::ostringstream text;
  add_shape(text, first);
  ((text << ", ", add_shape(text, others)), ...);
  return text.str();
}

}  // namespace detail

/// Throws Error unless all trees agree with the first in `what` ("the number of experts"). For visit_parameters of a
/// module whose structure is known at run time only; it passes on its prefix.
template <class Prefix, std::same_as<std::size_t>... Numbers>
void require_agreement(const Prefix& prefix, std::string_view what, std::size_t first, Numbers... others) {
  bool agree = true;
  ((agree = agree && others == first), ...);
  if (agree) [[likely]]
    return;
  std::ostringstream all;
  all << first;
  ((all << ", " << others), ...);
  require(false, detail::where_of(prefix), "trees that belong together must agree in ", what, ", got ", all.str());
}

/// Tensors of one shape.
struct SameShape {
  /// What an error says of the rule.
  static constexpr std::string_view rule = "tensors must have one shape";

  /// Whether they are.
  template <class Tensor, class... Tensors>
  bool operator()(const Tensor& first, const Tensors&... others) const {
    return ((others.rows() == first.rows() && others.cols() == first.cols()) && ...);
  }
};

/// A weight, and a gradient that is empty where it does not train.
struct EmptyOrSameShape {
  /// What an error says of the rule.
  static constexpr std::string_view rule = "a gradient's tensors must be empty or of the weight's shape";

  /// Whether they are.
  template <class Weight, class... Parts>
  bool operator()(const Weight& weight, const Parts&... parts) const {
    return ((parts.empty() || (parts.rows() == weight.rows() && parts.cols() == weight.cols())) && ...);
  }
};

/// Throws Error in `where`'s name unless `holds` is true of every weight's tensors, one of each tree. The error has the
/// rule, the weight's name and the shapes found. Allocates only when it throws.
template <class Holds, class Tree, class... Trees>
void require_trees(std::string_view where, const Holds& holds, const Tree& tree, const Trees&... trees) {
  bool all_hold = true;
  Tree::visit_parameters(
      [&](const auto& /*name*/, const auto&... tensors) { all_hold = all_hold && holds(tensors...); }, Nameless{where},
      tree, trees...);
  if (all_hold) [[likely]]
    return;
  Tree::visit_parameters(
      [&](const std::string& name, const auto& first, const auto&... others) {
        if (holds(first, others...)) return;
        require(false, where, Holds::rule, ", got for ", name, ": ", detail::shapes_of(first, others...));
      },
      std::string(), tree, trees...);
}

/// Throws Error in `where`'s name unless `gradient` can take the gradient of `layer`, as gradient_for(layer) can.
template <class Layer, class GradientTree>
void require_gradient(std::string_view where, const Layer& layer, const GradientTree& gradient) {
  require_trees(where, EmptyOrSameShape{}, layer, gradient);
}

}  // namespace moe
