#pragma once

#include <string>
#include <utility>

#include "moe/concepts/capacity.hpp"
#include "moe/concepts/gate_normalizer.hpp"
#include "moe/concepts/router.hpp"
#include "moe/core/require.hpp"
#include "moe/modules/linear.hpp"
#include "moe/ops/normalize.hpp"
#include "moe/ops/route.hpp"

namespace moe {

/// Who was chosen and how much each counts, for R rows and E experts.
template <class Real, class B>
struct Decision {
  Matrix<Real, B> logits_RE;
  Choice<Real, B> choice;
  Matrix<Real, B> gates_RE;
};

/// The light half of a layer: a learned projection to one logit an expert, the router that chooses, the normalizer that
/// weighs. Where the inference router compares with thresholds, it keeps them as a buffer and learns them from
/// training.
template <Router R, GateNormalizer N, Capacity C, class Value_, Backend Backend_>
struct Gating {
  using Value = Value_;
  using Backend = Backend_;
  using Context = typename Backend::Context;
  using Tensor = Matrix<Value, Backend>;
  using ConstView = View<const Value, Backend>;
  template <class Other>
  using rebind = Gating<R, N, C, Other, Backend>;
  using InferRouter = typename RoutingOf<R>::Infer;
  static constexpr bool has_thresholds = LearnsThresholds<InferRouter>;
  static_assert(has_thresholds || !LearnsThresholds<typename RoutingOf<R>::Train>,
                "Gating: a router that compares with thresholds must be the one that infers; they are kept for it");

  R router{};
  N normalizer{};
  C capacity{};
  Linear<Value, Backend> gate;
  /// One threshold an expert, 1/E until the first batch sets it, and how many batches it has learned from.
  Vector<Value, Backend> thresholds_E, updates_1;

  Gating() = default;
  /// The projection is all zero. Throws Error when the router always chooses an expert that does not exist.
  Gating(R router_, N normalizer_, C capacity_, Index width, Index experts)
      : router(router_),
        normalizer(normalizer_),
        capacity(capacity_),
        gate(decltype(gate)::without_bias(width, experts)) {
    require_shared_expert(RoutingOf<R>::train(router), experts);
    require_shared_expert(RoutingOf<R>::infer(router), experts);
    if constexpr (has_thresholds) {
      thresholds_E = Vector<Value, Backend>(experts);
      updates_1 = Vector<Value, Backend>(1);
      const std::vector<Value> even(static_cast<std::size_t>(experts), Value(1) / static_cast<Value>(experts));
      Backend::upload({}, even.data(), thresholds_E.view());
    }
  }

  Decision<Value, Backend> decide_in_training(const Context& context, ConstView x_RD, RowFacts facts) const {
    return decide(context, RoutingOf<R>::train(router), x_RD, facts);
  }
  Decision<Value, Backend> decide_in_inference(const Context& context, ConstView x_RD, RowFacts facts) const {
    return decide(context, RoutingOf<R>::infer(router), x_RD, facts);
  }

  /// d_gates_RE -> d_logits_RE, through the normalizer; the choice has no gradient.
  Tensor normalizer_back(const Context& context, ConstView d_gates_RE, const Decision<Value, Backend>& decision) const {
    return normalize_back<Value, Backend>(context, normalizer, decision.logits_RE, decision.choice.chosen_RE.view(),
                                          decision.gates_RE, d_gates_RE);
  }

  /// Moves every threshold towards the boundary that training's router drew.
  void absorb(const Context& context, ConstView boundary_1E) {
    if constexpr (has_thresholds) {
      if (boundary_1E.empty()) return;
      const InferRouter& rule = RoutingOf<R>::infer(router);
      Backend::for_each_element(
          context, boundary_1E.cols,
          [=, thresholds = thresholds_E.view(), updates = std::as_const(updates_1).view()] MOE_HOST_DEVICE(Index e) {
            thresholds(0, e) =
                updates(0, 0) > 0 ? rule.updated(thresholds(0, e), boundary_1E(0, e)) : boundary_1E(0, e);
          });
      Backend::for_each_element(context, 1,
                                [updates = updates_1.view()] MOE_HOST_DEVICE(Index) { updates(0, 0) += 1; });
    }
  }

  Gating structure() const {
    Gating tree;
    tree.router = router;
    tree.normalizer = normalizer;
    tree.capacity = capacity;
    return tree;
  }
  template <class Visit, class... Trees>
  static void visit_parameters(Visit&& visit, const std::string& prefix, Trees&&... trees) {
    Linear<Value, Backend>::visit_parameters(visit, prefix + "gate.", trees.gate...);
  }
  template <class Visit, class... Trees>
  static void visit_buffers(Visit&& visit, const std::string& prefix, Trees&&... trees) {
    if constexpr (has_thresholds) {
      visit(prefix + "thresholds", trees.thresholds_E...);
      visit(prefix + "threshold_updates", trees.updates_1...);
    }
  }

 private:
  template <class Single>
  static void require_shared_expert(const Single& single, Index experts) {
    if constexpr (requires { single.shared; })
      require(single.shared >= 0 && single.shared < experts, "Gating", "the shared expert's index must lie in [0, ",
              experts, "), got ", single.shared);
  }
  template <class Single>
  Decision<Value, Backend> decide(const Context& context, const Single& single, ConstView x_RD, RowFacts facts) const {
    Decision<Value, Backend> decision;
    decision.logits_RE = gate.forward_row_by_row(context, x_RD);
    const auto logits_RE = std::as_const(decision.logits_RE).view();
    decision.choice = route<Value, Backend>(context, single, capacity, logits_RE, thresholds_E.view(), facts);
    decision.gates_RE =
        normalize<Value, Backend>(context, normalizer, logits_RE, std::as_const(decision.choice.chosen_RE).view());
    return decision;
  }
};

}  // namespace moe
