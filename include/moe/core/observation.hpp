#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "moe/core/index.hpp"

namespace moe {

/// What one level of a layer decided in one call, in host memory. Put an observer into the context and every layer that
/// runs with it reports, in training, inference and decoding alike; without one nothing is copied. RoutingRecorder
/// (core/routing_recorder.hpp) keeps them.
struct Observation {
  /// The layer's number in the model, from the context.
  std::uint32_t layer = 0;
  /// "token": the routed rows are x's. "segment": they are the batch's segments.
  std::string_view level;
  /// R: routed rows.
  Index rows = 0;
  /// E.
  Index experts = 0;
  /// rows x experts, row-major. Before anything was dropped: 0, or the order of choice.
  std::vector<ChoiceOrder> chosen;
  /// The same without the pairs that the capacity dropped.
  std::vector<ChoiceOrder> kept;
  /// Gate of every kept pair, 0 elsewhere.
  std::vector<double> gates;
  /// Segment v holds x's rows [begin[v], begin[v+1]); for rows of x: 0, 1, ..., rows.
  std::vector<Index> begin;
};

/// Called once a level and call, on the thread that runs the layer.
using Observer = std::function<void(const Observation&)>;

}  // namespace moe
