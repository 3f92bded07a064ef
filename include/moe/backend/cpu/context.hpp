#pragma once

#include <cstdint>
#include <memory>
#include <type_traits>

#include "moe/backend/cpu/packed_weights.hpp"
#include "moe/backend/cpu/parallel.hpp"
#include "moe/backend/cpu/pool.hpp"
#include "moe/backend/cpu/workers.hpp"
#include "moe/core/list_view.hpp"
#include "moe/core/observation.hpp"
#include "moe/core/phase.hpp"
#include "moe/core/routing_replay.hpp"
#include "moe/core/view.hpp"

namespace moe::cpu {

/// What a run needs and a layer must not own. Make one, keep it for the whole run. Threads that run layers at the same
/// time may share one, or a copy of one, as they may share a layer that no thread changes: the pool locks, and of the
/// callers only the first gets the helpers while the others work alone. A context of its own for each is faster.
template <class Backend>
struct Context {
  /// At most so many threads work, the caller's included. Decides no bit of a result.
  int threads = available_threads();
  /// The layer's number in the model, which a model sets for each of its layers: observations carry it, and layers
  /// with different numbers draw different random numbers.
  std::uint32_t layer = 0;
  /// Told every decision; may be empty.
  Observer observer{};
  /// The choices that layers are to work on; null: their routers choose. Must outlive every call.
  const RoutingReplay* replay = nullptr;
  /// Told which part of a layer begins; may be empty.
  PhaseListener phases{};
  /// Where results and temporaries come from.
  std::shared_ptr<Pool> pool = std::make_shared<Pool>();
  /// Weights that pack_weights (train/pack_weights.hpp) packed; may be null.
  std::shared_ptr<const PackedWeights> packed{};
  /// The helpers, started when a call first needs them.
  std::shared_ptr<Workers> workers = std::make_shared<Workers>();
};

/// An input of an operation: its value type follows from the output's.
template <class Value, class Backend>
using In = std::type_identity_t<View<const Value, Backend>>;
/// One weight matrix for each group.
template <class Value, class Backend>
using Weights = std::type_identity_t<ListView<View<const Value, Backend>>>;

}  // namespace moe::cpu
