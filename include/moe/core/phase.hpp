#pragma once

#include <functional>

namespace moe {

/// The phases of a layer's work. If the context has a PhaseListener, every layer that runs with it calls the listener
/// where each phase begins and ends, in forward, backward, inference and decoding alike: for timers, and for ranges in
/// profilers. On an accelerator a phase begins when its work is enqueued; events recorded at that moment divide the
/// device time by phase.
enum class Phase {
  /// Segments and their pooled vectors, logits, expert selection, gates, auxiliary losses, and their gradients.
  router,
  /// Scaling and concatenation of both levels' gates, or fusion of both levels' outputs.
  fusion,
  /// Sorting of pairs by expert, the gates of the pairs, copies of rows to their experts.
  dispatch,
  /// Matrix products and activations, including those of an always-on path such as a shared expert.
  experts,
  /// The gate-weighted sum of the experts' outputs.
  combine,
};

/// The two ends of a phase.
enum class PhaseEdge { begin, end };

/// Called on the thread that runs the layer; must not throw. Phases nest, like the ranges of a profiler: the phase that
/// began last ends first, also if an exception leaves it. The exclusive time of a phase is the time while no phase that
/// began later is open.
using PhaseListener = std::function<void(Phase, PhaseEdge)>;

/// A phase from construction to destruction: calls the context's listener, if there is one, at both ends. The context
/// must outlive the scope.
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

/// Runs `work` in `phase` and returns its result: for one step of a function that has several phases.
template <class Context, class Work>
decltype(auto) in_phase(const Context& context, Phase phase, Work&& work) {
  const PhaseScope scope(context, phase);
  return work();
}

}  // namespace moe
