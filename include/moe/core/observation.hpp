#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "moe/core/index.hpp"

namespace moe {

/// The routing decision of one level of a layer in one call, in host memory. If the context has an observer, every
/// layer that runs with it calls the observer, in training, inference and decoding alike; without an observer nothing
/// is copied. RoutingRecorder (core/routing_recorder.hpp) stores the decisions.
struct Observation {
  /// The layer's number in the model, from the context.
  std::uint32_t layer = 0;
  /// "token": the routed rows are the rows of x. "segment": the routed rows are the batch's segments.
  std::string_view level;
  /// Number of routed rows, R.
  Index rows = 0;
  /// Number of experts, E.
  Index experts = 0;
  /// Choice order of every pair before dropping, rows x experts, row-major; 0: not selected.
  std::vector<ChoiceOrder> chosen;
  /// The same after dropping: also 0 for the pairs that the capacity dropped.
  std::vector<ChoiceOrder> kept;
  /// Gate of every kept pair, 0 elsewhere.
  std::vector<double> gates;
  /// Segment v has rows [begin[v], begin[v+1]) of x; for the token level: 0, 1, ..., rows.
  std::vector<Index> begin;
  /// The router's logit of every pair, rows x experts, row-major, selected or not. Empty if there is none: for
  /// adapters, which the language selects, and for segments in decoding, where a decision is kept without its logits.
  std::vector<double> logits{};
};

/// Called once per level and call, on the thread that runs the layer.
using Observer = std::function<void(const Observation&)>;

}  // namespace moe
