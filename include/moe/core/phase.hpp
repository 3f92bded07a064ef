#pragma once

#include <functional>

namespace moe {

/// The parts of a layer's work. Put a PhaseListener into the context and every layer that runs with it says which part
/// it begins, forward, backward, in inference and decoding alike: for watches, and for the ranges that profilers show.
/// On an accelerator a phase begins when its work is enqueued; an event recorded then splits the device's time.
enum class Phase {
  /// Segments and what they are routed by, logits, choice, gates, losses, and their gradients.
  router,
  /// Both levels' gates, scaled and side by side, or both levels' outputs joined.
  fusion,
  /// Pairs sorted by expert, the gates of pairs, rows copied to their experts.
  dispatch,
  /// Products and activations, those of a path beside the routed experts included.
  experts,
  /// The gate-weighted sum of the answers.
  combine,
};

/// Called on the thread that runs the layer. A phase ends where the next one begins.
using PhaseListener = std::function<void(Phase)>;

/// Tells the context's listener, where there is one.
template <class Context>
void begin_phase(const Context& context, Phase phase) {
  if (context.phases) context.phases(phase);
}

}  // namespace moe
