#pragma once

#include <concepts>
#include <cstddef>
#include <sstream>
#include <string>
#include <string_view>

#include "moe/core/module.hpp"
#include "moe/core/require.hpp"

namespace moe {

// Checks of parameter trees that are walked together: they must have the same number of parts and matching shapes. A
// module whose number of parts is known only at run time checks that number in its walk (require_agreement). Code that
// walks several trees to change one of them first checks the shapes (require_trees), so that it changes nothing if a
// tree does not fit.

namespace detail {

/// The function that a walk's errors name.
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
/// The tensors' shapes as text for an error message.
template <class Tensor, class... Tensors>
std::string shapes_of(const Tensor& first, const Tensors&... others) {
  std::ostringstream text;
  add_shape(text, first);
  ((text << ", ", add_shape(text, others)), ...);
  return text.str();
}

}  // namespace detail

/// Throws Error unless all numbers are equal; `what` ("the number of experts") names them in the message. For
/// visit_parameters of a module whose structure is known only at run time, which passes its own prefix.
template <class Prefix, std::same_as<std::size_t>... Numbers>
void require_agreement(const Prefix& prefix, std::string_view what, std::size_t first, Numbers... others) {
  bool agree = true;
  ((agree = agree && others == first), ...);
  if (agree) [[likely]]
    return;
  std::ostringstream all;
  all << first;
  ((all << ", " << others), ...);
  require(false, detail::where_of(prefix), "parameter trees must agree in ", what, ", got ", all.str());
}

/// Holds if all tensors have the same shape.
struct SameShape {
  /// The rule as text for an error message.
  static constexpr std::string_view rule = "tensors must have the same shape";

  /// Whether all tensors have the first one's shape.
  template <class Tensor, class... Tensors>
  bool operator()(const Tensor& first, const Tensors&... others) const {
    return ((others.rows() == first.rows() && others.cols() == first.cols()) && ...);
  }
};

/// Holds if each tensor of a gradient tree has the weight's shape or, for a weight that does not train, is empty.
struct EmptyOrSameShape {
  /// The rule as text for an error message.
  static constexpr std::string_view rule = "a gradient's tensors must be empty or of the weight's shape";

  /// Whether all `parts` are empty or have the weight's shape.
  template <class Weight, class... Parts>
  bool operator()(const Weight& weight, const Parts&... parts) const {
    return ((parts.empty() || (parts.rows() == weight.rows() && parts.cols() == weight.cols())) && ...);
  }
};

/// Throws Error from `where` unless `holds` is true for every weight's tensors, one from each tree. The message has the
/// rule, the weight's name and the shapes found. Allocates only if it throws.
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

/// Throws Error from `where` unless `gradient` is a gradient tree that fits `layer`, such as gradient_for(layer).
template <class Layer, class GradientTree>
void require_gradient(std::string_view where, const Layer& layer, const GradientTree& gradient) {
  require_trees(where, EmptyOrSameShape{}, layer, gradient);
}

}  // namespace moe
