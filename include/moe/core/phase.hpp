#pragma once

#include <functional>

namespace moe {

/// The parts of a layer's work. Put a PhaseListener into the context and every layer that runs with it tells where each
/// part begins and ends, forward, backward, in inference and decoding alike: for watches, and for the ranges that
/// profilers show. On an accelerator a phase begins when its work is enqueued; an event recorded then splits the
/// device's time.
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

/// The two ends of a phase.
enum class PhaseEdge { begin, end };

/// Called on the thread that runs the layer; must not throw. Phases nest, like the ranges of a profiler: the one that
/// began last ends first, also where an exception leaves it. Time that belongs to a phase alone is what passes while no
/// other one that began later is open.
using PhaseListener = std::function<void(Phase, PhaseEdge)>;

/// From its construction to its destruction a layer works in `phase`, and the context's listener is told so, where
/// there is one. The context must outlive the scope.
class [[nodiscard]] PhaseScope {
 public:
  /// The phase begins.
  template <class Context>
  PhaseScope(const Context& context, Phase phase) : listener_(context.phases), phase_(phase) {
    if (listener_) listener_(phase_, PhaseEdge::begin);
  }
  PhaseScope(const PhaseScope&) = delete;
  PhaseScope& operator=(const PhaseScope&) = delete;
  /// The phase ends.
  ~PhaseScope() {
    if (listener_) listener_(phase_, PhaseEdge::end);
  }

 private:
  const PhaseListener& listener_;
  Phase phase_;
};

/// What `work` returns, computed in `phase`: for a step within a function that has others.
template <class Context, class Work>
decltype(auto) in_phase(const Context& context, Phase phase, Work&& work) {
  const PhaseScope scope(context, phase);
  return work();
}

}  // namespace moe
