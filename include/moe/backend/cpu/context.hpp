#pragma once

#include <cstdint>
#include <memory>
#include <type_traits>

#include "moe/backend/cpu/packed_weights.hpp"
#include "moe/backend/cpu/parallel.hpp"
#include "moe/backend/cpu/pool.hpp"
#include "moe/core/list_view.hpp"
#include "moe/core/observation.hpp"
#include "moe/core/phase.hpp"
#include "moe/core/ranks.hpp"
#include "moe/core/routing_replay.hpp"
#include "moe/core/view.hpp"
#include "moe/core/workers.hpp"

namespace moe::cpu {

/// Execution state that a run needs and layers do not own: threads, memory pool, callbacks. Create one and keep it for
/// the whole run. Threads that run layers at the same time may share a context or copies of it, and a layer that no
/// thread modifies. The pool has a lock, and while one call uses the helper threads, concurrent calls run on their
/// calling thread alone. One context per thread is faster.
template <class Backend>
struct Context {
  /// Maximum number of threads, including the calling one. Results are bitwise identical for any number.
  int threads = available_threads();
  /// The layer's number in the model, set by the model for each of its layers. Observations contain it, and layers with
  /// different numbers draw different random numbers.
  std::uint32_t layer = 0;
  /// Called with every routing decision; may be empty.
  Observer observer{};
  /// Recorded choices that layers use instead of their routers' selection; may be null. Must outlive every call.
  const RoutingReplay* replay = nullptr;
  /// Called when a phase of a layer begins or ends; may be empty.
  PhaseListener phases{};
  /// The ranks that share the work, see comm/ranks.hpp; null: this process is alone.
  std::shared_ptr<Ranks<Backend>> ranks{};
  /// Memory pool of results and temporaries.
  std::shared_ptr<Pool> pool = std::make_shared<Pool>();
  /// Weights packed by pack_weights (train/pack_weights.hpp); may be null.
  std::shared_ptr<const PackedWeights> packed{};
  /// Helper threads, started when a call first needs them.
  std::shared_ptr<Workers> workers = std::make_shared<Workers>();
};

/// An input of an operation. Its value type is not deduced: it follows from the output's.
template <class Value, class Backend>
using In = std::type_identity_t<View<const Value, Backend>>;
/// One weight matrix per group.
template <class Value, class Backend>
using Weights = std::type_identity_t<ListView<View<const Value, Backend>>>;

}  // namespace moe::cpu
