#pragma once

#include <concepts>

#include "moe/core/index.hpp"

namespace moe {

/// Axis of a weight that runs over the FFN's inner channels, needed to split an FFN into shards or to reinitialize
/// channels. An expert declares it by `X::visit_channels(visit, trees...)`, which calls visit(Channels, weight of each
/// tree...) for each of its weights, in the order of visit_parameters; hidden() is the number of channels.
enum class Channels {
  /// Each channel is a row.
  rows,
  /// Each channel is a column.
  cols,
  /// The weight has no channel axis: the bias of the output.
  none
};

/// An expert that declares its inner channels.
template <class X>
concept HasChannels = requires(const X& expert) {
  { expert.hidden() } -> std::same_as<Index>;
  X::visit_channels([](Channels, const auto&...) {}, expert);
};

}  // namespace moe
