#pragma once

#include <cstdint>
#include <memory>
#include <type_traits>

#include "moe/core/list_view.hpp"
#include "moe/core/observation.hpp"
#include "moe/core/phase.hpp"
#include "moe/core/routing_replay.hpp"
#include "moe/core/view.hpp"

namespace moe::gpu {

/// What a run needs and a layer must not own: the stream that all of its work is ordered by, memory and libraries.
/// Make one, keep it for the whole run. A context, and what was made with it, is for one host thread at a time.
template <class Backend, class Device>
struct Context {
  /// The default stream.
  Context() : Context(typename Device::Stream{}) {}
  /// The caller's stream, which has to outlive the context and every matrix made with it. Throws DeviceError where
  /// there is no device that can run the library.
  explicit Context(typename Device::Stream stream) : device(std::make_shared<Device>(stream)) {}

  /// Memory and libraries, in the order of the stream.
  std::shared_ptr<Device> device;
  /// The layer's number in the model, which a model sets for each of its layers: observations carry it, and layers
  /// with different numbers draw different random numbers.
  std::uint32_t layer = 0;
  /// Told every decision; may be empty. It makes the host wait for the device.
  Observer observer{};
  /// The choices that layers are to work on; null: their routers choose. Must outlive every call.
  const RoutingReplay* replay = nullptr;
  /// Told which part of a layer is enqueued from now on; may be empty.
  PhaseListener phases{};
};

/// An input of an operation: its value type follows from the output's.
template <class Value, class Backend>
using In = std::type_identity_t<View<const Value, Backend>>;
/// One weight matrix for each group.
template <class Value, class Backend>
using Weights = std::type_identity_t<ListView<View<const Value, Backend>>>;

}  // namespace moe::gpu
