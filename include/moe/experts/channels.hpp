#pragma once

namespace moe {

/// Where an FFN's inner channels lie in one of its weights: what cuts an FFN into parts or draws channels anew has to
/// know. An expert says so by `X::visit_channels(visit, trees...)`, which calls visit(Channels, weight of each tree...)
/// for each of its weights, in the order of visit_parameters.
enum class Channels {
  /// A row each.
  rows,
  /// A column each.
  cols,
  /// The weight belongs to none of them.
  none
};

}  // namespace moe
