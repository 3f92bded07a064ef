#pragma once

#include <string>

namespace moe {

namespace archetype {
/// Accepts the same weight of one tree.
struct Visitor {
  template <class... Tensors>
  void operator()(const std::string&, Tensors&&...) const {}
};
}  // namespace archetype

/// Something that learns. `M::visit_parameters(visit, prefix, trees...)` calls visit(name, tensor of each tree...) for
/// every weight, in one fixed order; `structure()` returns the same tree with every tensor empty: a gradient in which
/// nothing trains yet.
template <class M>
concept Module = requires(M& module, const M& constant, archetype::Visitor visit, std::string prefix) {
  M::visit_parameters(visit, prefix, module);
  M::visit_parameters(visit, prefix, constant);
  { constant.structure() } -> std::same_as<M>;
};

}  // namespace moe
