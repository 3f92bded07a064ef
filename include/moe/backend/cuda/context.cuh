#pragma once

#include <cstdint>
#include <memory>
#include <type_traits>

#include "moe/core/ranks.hpp"
#include "moe/core/list_view.hpp"
#include "moe/core/observation.hpp"
#include "moe/core/phase.hpp"
#include "moe/core/routing_replay.hpp"
#include "moe/core/view.hpp"
#include "moe/core/workers.hpp"

namespace moe::gpu {

/// Execution state that a run needs and layers do not own: the stream that orders all work, memory, libraries. Create
/// one and keep it for the whole run. A context, and objects created with it, may be used by one host thread at a time.
template <class Backend, class Device>
struct Context {
  /// On the default stream.
  Context() : Context(typename Device::Stream{}) {}
  /// On the caller's stream, which must outlive the context and every matrix created with it. Throws DeviceError if no
  /// device can run the library.
  explicit Context(typename Device::Stream stream) : device(std::make_shared<Device>(stream)) {}

  /// Memory and libraries, which work in the order of the stream.
  std::shared_ptr<Device> device;
  /// The layer's number in the model, set by the model for each of its layers. Observations contain it, and layers with
  /// different numbers draw different random numbers.
  std::uint32_t layer = 0;
  /// Called with every routing decision; may be empty. With an observer the host waits for the device.
  Observer observer{};
  /// Recorded choices that layers use instead of their routers' selection; may be null. Must outlive every call.
  const RoutingReplay* replay = nullptr;
  /// Called when the enqueueing of a layer's phase begins or ends; may be empty.
  PhaseListener phases{};
  /// The ranks that share the work, see comm/ranks.hpp; null: this process is alone.
  std::shared_ptr<Ranks<Backend>> ranks{};
  /// Maximum number of host threads that draw values, including the calling one. The values do not depend on it.
  int threads = available_threads();
  /// Helper threads of the host, started when a call first needs them.
  std::shared_ptr<Workers> workers = std::make_shared<Workers>();
};

/// An input of an operation. Its value type is not deduced: it follows from the output's.
template <class Value, class Backend>
using In = std::type_identity_t<View<const Value, Backend>>;
/// One weight matrix per group.
template <class Value, class Backend>
using Weights = std::type_identity_t<ListView<View<const Value, Backend>>>;

}  // namespace moe::gpu
