#pragma once

#include <span>
#include <vector>

#include "moe/concepts/backend.hpp"
#include "moe/concepts/module.hpp"
#include "moe/core/index.hpp"
#include "moe/core/view.hpp"

namespace moe {

/// A module that maps rows to rows of the same width and knows how to run many of itself at once: rows
/// [offsets[e], offsets[e+1]) go through experts[e].
template <class X>
concept Expert = Module<X> && Backend<typename X::Backend> &&
    requires(std::span<const X> experts, std::span<X> gradients, const typename X::Backend::Context& context,
             View<const typename X::Value, typename X::Backend> x_ND, const std::vector<Index>& offsets) {
  typename X::Value;
  typename X::GroupSaved;
  X::forward_groups(context, experts, x_ND, offsets);
  X::infer_groups(context, experts, x_ND, offsets);
};

}  // namespace moe
