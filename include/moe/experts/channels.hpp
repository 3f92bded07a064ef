#pragma once

#include <concepts>

#include "moe/core/index.hpp"

namespace moe {

/// Where an FFN's inner channels lie in one of its weights: what cuts an FFN into parts or draws channels anew has to
/// know. An expert says so by `X::visit_channels(visit, trees...)`, which calls visit(Channels, weight of each tree...)
/// for each of its weights, in the order of visit_parameters; hidden() is the number of channels.
enum class Channels {
  /// A row each.
  rows,
  /// A column each.
  cols,
  /// The weight belongs to none of them: a bias of the output.
  none
};

/// An expert that says where its inner channels lie.
template <class X>
concept HasChannels = requires(const X& expert) {
  { expert.hidden() } -> std::same_as<Index>;
  X::visit_channels([](Channels, const auto&...) {}, expert);
};

}  // namespace moe
