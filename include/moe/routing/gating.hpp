#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "moe/core/bfloat16.hpp"
#include "moe/core/counted.hpp"
#include "moe/core/list_view.hpp"
#include "moe/core/mode.hpp"
#include "moe/core/phase.hpp"
#include "moe/core/require.hpp"
#include "moe/core/routing_replay.hpp"
#include "moe/core/settings.hpp"
#include "moe/ops/linear.hpp"
#include "moe/routing/capacity/capacity.hpp"
#include "moe/routing/normalizer/gate_normalizer.hpp"
#include "moe/routing/router/jittered.hpp"
#include "moe/routing/router/router.hpp"
#include "moe/routing/steps/choose.hpp"
#include "moe/routing/steps/drop.hpp"
#include "moe/routing/steps/jitter.hpp"
#include "moe/routing/steps/normalize.hpp"
#include "moe/routing/steps/replay.hpp"
#include "moe/routing/steps/report.hpp"

namespace moe {

/// Routing decision for R rows and E experts: choices and gates. If the capacity drops, `kept_RE` is the choice order
/// after dropping and `dropped` the number of rows that each expert dropped. The gate of a dropped pair has no effect:
/// with NormalizeGates::before_dropping gates_RE keeps it, with after_dropping it is 0.
template <class Real, class B>
struct Decision {
  /// Logits, z = x W^T.
  Matrix<Real, B> logits_RE;
  /// Choice order, and the boundaries of a matrix router.
  Choice<Real, B> choice;
  /// Gates g, 0 for experts not selected.
  Matrix<Real, B> gates_RE;
  /// Choice order after dropping; empty if the capacity never drops and no replayed record has dropped pairs.
  Matrix<ChoiceOrder, B> kept_RE;
  /// Number of rows that each expert dropped; empty as kept_RE is.
  std::vector<Index> dropped;
  /// Random key of the input jitter.
  RandomKey jitter{};

  /// Whether this is a decision for `rows` rows and `experts` experts; false after it was moved from.
  bool fits(Index rows, Index experts) const {
    const auto has_shape = [&](const auto& m_RE) { return m_RE.rows() == rows && m_RE.cols() == experts; };
    return has_shape(logits_RE) && has_shape(choice.chosen_RE) && has_shape(gates_RE) && has_shape(kept());
  }
  /// Choice order of the pairs that are processed.
  const Matrix<ChoiceOrder, B>& kept() const { return dropped.empty() ? choice.chosen_RE : kept_RE; }
};

/// The gate projection, a learned linear map to one logit per expert, with the router that selects experts, the
/// normalizer that computes gates (routing weights), and the capacity. Rows are stored as Input; everything computed
/// and stored here has the accumulation type Accum<Input>. Thresholds or biases of the inference router are stored here
/// as buffers and updated in training.
template <Router R, GateNormalizer N, Capacity C, class Input_, Backend Backend_>
struct Gating {
  /// Type of the rows.
  using Input = Input_;
  using Value = Accum<Input>;
  using Backend = Backend_;
  using Context = typename Backend::Context;
  using Tensor = Matrix<Value, Backend>;
  using ConstView = View<const Value, Backend>;
  template <class Other>
  using rebind = Gating<R, N, C, Other, Backend>;
  /// The router in inference.
  using InferRouter = typename FormsOf<R>::Infer;
  /// Whether rows compete for capacity in inference; the layer is then not causal.
  static constexpr bool drops_in_inference = DroppingCapacity<typename FormsOf<C>::Infer> && RowRouter<InferRouter>;
  /// Whether the training router has input jitter.
  static constexpr bool jitters = JittersInput<typename FormsOf<R>::Train>;
  /// Whether the inference router uses thresholds.
  static constexpr bool has_thresholds = LearnsThresholds<InferRouter>;
  static_assert(has_thresholds || !LearnsThresholds<typename FormsOf<R>::Train>,
                "Gating: a router that compares with thresholds must be the inference router; they are stored for it");
  static_assert(!has_thresholds || MatrixRouter<typename FormsOf<R>::Train>,
                "Gating: thresholds are learned from a router that sees all rows, as in TrainInfer<ExpertChoice, "
                "ThresholdChoice>");
  static_assert(!SharingCapacity<typename FormsOf<C>::Train> || UsesCapacity<typename FormsOf<R>::Train>,
                "Gating: a share of the rows is for routers whose experts take rows, such as ExpertChoice; where rows "
                "choose use Unlimited or CapacityFactor");
  static_assert(!DroppingCapacity<typename FormsOf<C>::Train> || RowRouter<typename FormsOf<R>::Train>,
                "Gating: a capacity that drops is for routers whose rows choose, such as TopK; where experts take rows "
                "use SegmentCapacity or EvenShare");

  /// Whether the router uses biases.
  static constexpr bool has_biases = LearnsBiases<InferRouter>;
  static_assert(has_biases || !LearnsBiases<typename FormsOf<R>::Train>,
                "Gating: a router that adds biases must be the inference router; they are stored for it");

  /// Selects experts.
  R router{};
  /// Computes gates.
  N normalizer{};
  /// Limits the rows of each expert.
  C capacity{};
  /// Gate projection to one logit per expert, [E, D], without bias.
  Linear<Value, Backend> gate;
  /// thresholds_E: one threshold per expert, 1/E until the first update sets it. updates_1: the number of updates.
  Vector<Value, Backend> thresholds_E, updates_1;
  /// One bias per expert, if the router uses biases.
  Vector<Value, Backend> biases_E;

  Gating() = default;
  /// The projection starts at zero. Throws Error for settings of the policies that do not fit the number of experts.
  Gating(R router_, N normalizer_, C capacity_, Index width, Index experts)
      : router(router_),
        normalizer(normalizer_),
        capacity(capacity_),
        gate(decltype(gate)::without_bias(width, experts)) {
    require_policies();
    if constexpr (has_biases) biases_E = Vector<Value, Backend>(experts);
    if constexpr (has_thresholds) {
      thresholds_E = Vector<Value, Backend>(experts);
      updates_1 = Vector<Value, Backend>(1);
      const std::vector<Value> even(static_cast<std::size_t>(experts), Value(1) / static_cast<Value>(experts));
      Backend::upload({}, even.data(), thresholds_E.view());
    }
  }

  /// Throws Error unless the policies' settings fit the number of experts and the buffers have one value per expert.
  void require_consistent(std::string_view where) const {
    require_policies();
    const auto has = [](const auto& buffer_1, Index size) { return buffer_1.rows() == 1 && buffer_1.cols() == size; };
    if constexpr (has_thresholds)
      require(has(thresholds_E, gate.out()) && has(updates_1, 1), where, "a gate of ", counted(gate.out(), "experts"),
              " must have as many thresholds, got ", thresholds_E.cols());
    if constexpr (has_biases)
      require(has(biases_E, gate.out()), where, "a gate of ", counted(gate.out(), "experts"),
              " must have as many biases, got ", biases_E.cols());
  }

  /// x_RD -> choice order and gates (eqs. 1, 2, 4). Mode is Training or Inference and selects the forms of router and
  /// capacity; if the context has a record, its choices replace the router's. `facts`: token ids, languages and random
  /// key of the rows. `routed`: their level and, for segments, their rows of x, for the record. identical_1R: 1 for
  /// identical rows, as in RowsContext. Throws Error if training draws random numbers and the batch has no key for
  /// them, and for a record that does not fit.
  template <class Mode>
  Decision<Value, Backend> decide(const Context& context, View<const Input, Backend> x_RD, RowInfo facts,
                                  const RoutedRows& routed = {},
                                  [[maybe_unused]] View<const Index, Backend> identical_1R = {}) const {
    if constexpr (std::is_same_v<Mode, Inference>) {
      return decide_by(context, FormsOf<R>::infer(router), FormsOf<C>::infer(capacity), x_RD, facts.in_inference(),
                       routed, identical_1R);
    } else {
      const auto& trained = FormsOf<R>::train(router);
      const auto& room = FormsOf<C>::train(capacity);
      if constexpr (jitters) {
        RandomKey key = trained.jitter > 0 ? facts.stream(context.layer, "the jitter") : RandomKey{};
        // A random stream separate from the one that routers draw from.
        key.seed ^= name_hash("jitter");
        const auto seen_RD = jittered<Input, Backend>(context, x_RD, trained.jitter, key);
        // After jitter, identical rows are no longer identical.
        auto decision = decide_by(context, trained, room, seen_RD.const_view(), facts, routed, {});
        decision.jitter = key;
        return decision;
      } else {
        return decide_by(context, trained, room, x_RD, facts, routed, identical_1R);
      }
    }
  }

  /// d_gates_RE -> d_logits_RE, through the normalizer; the choice itself has no gradient.
  Tensor normalizer_backward(const Context& context, ConstView d_gates_RE,
                             const Decision<Value, Backend>& decision) const {
    return normalize_backward<Value, Backend>(context, normalizer, decision.logits_RE,
                                              normalized_over(FormsOf<C>::train(capacity), decision), decision.gates_RE,
                                              d_gates_RE);
  }

  /// Backward of the projection: adds to its gradient and to d_x_RD; x_RD are the rows that decide was called with in
  /// training.
  template <class GradientValue>
  void add_gate_backward(const Context& context, ConstView d_logits_RE, const Decision<Value, Backend>& decision,
                         View<const Input, Backend> x_RD, GradientValue& gradient, View<Input, Backend> d_x_RD) const {
    if constexpr (jitters) {
      const double jitter = FormsOf<R>::train(router).jitter;
      const auto seen_RD = jittered<Input, Backend>(context, x_RD, jitter, decision.jitter);
      auto d_seen_RD = Matrix<Input, Backend>::zeros(context, x_RD.rows, x_RD.cols);
      gate.add_backward_row_by_row(context, d_logits_RE, seen_RD.const_view(), gradient, d_seen_RD.view());
      add_jittered_backward<Input, Backend>(context, d_seen_RD.const_view(), jitter, decision.jitter, d_x_RD);
    } else {
      gate.add_backward_row_by_row(context, d_logits_RE, x_RD, gradient, d_x_RD);
    }
  }

  /// Calls the context's observer, if there is one, with the decision for the rows that `routed` describes.
  void report(const Context& context, const RoutedRows& routed, const Decision<Value, Backend>& decision) const {
    report(context, routed, decision.choice.chosen_RE.view(), decision.kept().view(), decision.gates_RE,
           decision.logits_RE);
  }
  /// The same for parts of a decision; without logits if they were not kept.
  void report(const Context& context, const RoutedRows& routed, View<const ChoiceOrder, Backend> chosen_RE,
              View<const ChoiceOrder, Backend> kept_RE, ConstView gates_RE, ConstView logits_RE = {}) const {
    moe::report<Value, Backend>(context, routed, chosen_RE, kept_RE, gates_RE, logits_RE);
  }

  /// Moves every threshold toward the boundary of the training router; no boundaries: nothing changes. Throws Error if
  /// the number of boundaries differs from the number of experts.
  void update_buffers(const Context& context, ConstView boundary_1E) {
    if constexpr (has_thresholds) {
      require_consistent("Gating::update_buffers");
      if (boundary_1E.empty()) return;
      require(boundary_1E.cols == gate.out(), "Gating::update_buffers", "the stats have ", boundary_1E.cols,
              " boundaries, the gate has ", counted(gate.out(), "experts"));
      const InferRouter& rule = FormsOf<R>::infer(router);
      Backend::for_each_element(
          context, boundary_1E.cols,
          [=, thresholds = thresholds_E.view(), updates = updates_1.const_view()] MOE_ON_DEVICE(Index e) {
            thresholds(0, e) =
                updates(0, 0) > 0 ? rule.updated(thresholds(0, e), boundary_1E(0, e)) : boundary_1E(0, e);
          });
      Backend::for_each_element(context, 1, [updates = updates_1.view()] MOE_ON_DEVICE(Index) { updates(0, 0) += 1; });
    }
  }

  /// Moves every bias toward an even load; if all loads are 0, nothing changes. load_E: load of each expert.
  /// TokenRouting passes the number of rows that selected the expert, dropped rows included; SegmentRouting passes the
  /// number of rows (with PooledInput, segments) that the expert processed, after dropping. Throws Error if the number
  /// of loads differs from the number of experts.
  void update_biases(const Context& context, ListView<Index> load_E) requires(has_biases) {
    require_consistent("Gating::update_buffers");
    require(load_E.size == gate.out(), "Gating::update_buffers", "the stats have ", load_E.size,
            " loads, the gate has ", counted(gate.out(), "experts"));
    double mean = 0;
    for (const Index load : load_E) mean += static_cast<double>(load) / static_cast<double>(load_E.size);
    if (mean == 0) return;
    const InferRouter& rule = FormsOf<R>::infer(router);
    Matrix<Index, Backend> loads = Matrix<Index, Backend>::uninitialized(context, 1, load_E.size);
    Backend::upload(context, load_E.data, loads.view());
    Backend::for_each_element(
        context, load_E.size, [=, biases = biases_E.view(), loads_1E = loads.const_view()] MOE_ON_DEVICE(Index e) {
          biases(0, e) = static_cast<Value>(
              rule.updated_bias(static_cast<double>(biases(0, e)), static_cast<double>(loads_1E(0, e)), mean));
        });
  }

  Gating empty_tree() const { return empty_tree_of<Input>(); }
  /// An empty parameter tree with values of type Other.
  template <class Other>
  rebind<Other> empty_tree_of() const {
    rebind<Other> tree;
    copy_policies_to(tree);
    return tree;
  }
  /// Copies router, normalizer and capacity to `tree`.
  template <class Tree>
  void copy_policies_to(Tree& tree) const {
    tree.router = router;
    tree.normalizer = normalizer;
    tree.capacity = capacity;
  }
  template <class Visit, class... Trees>
  static void visit_parameters(Visit&& visit, const auto& prefix, Trees&&... trees) {
    Linear<Value, Backend>::visit_parameters(visit, prefix + "gate.", trees.gate...);
  }
  template <class Visit, class... Trees>
  static void visit_buffers(Visit&& visit, const std::string& prefix, Trees&&... trees) {
    if constexpr (has_thresholds) {
      visit(prefix + "thresholds", trees.thresholds_E...);
      visit(prefix + "threshold_updates", trees.updates_1...);
    }
    if constexpr (has_biases) visit(prefix + "biases", trees.biases_E...);
  }

 private:
  void require_policies() const {
    require_settings(FormsOf<R>::train(router), gate.out());
    require_settings(FormsOf<R>::infer(router), gate.out());
    require_settings(FormsOf<C>::train(capacity), gate.out());
    require_settings(FormsOf<C>::infer(capacity), gate.out());
    require_settings(normalizer, gate.out());
  }
  template <class Single, class Room>
  Decision<Value, Backend> decide_by(const Context& context, const Single& single, const Room& room,
                                     View<const Input, Backend> x_RD, RowInfo facts, const RoutedRows& routed,
                                     View<const Index, Backend> identical_1R) const {
    constexpr bool drops = DroppingCapacity<Room> && RowRouter<Single>;
    const PhaseScope scope(context, Phase::router);
    Decision<Value, Backend> decision;
    decision.logits_RE = gate.forward_row_by_row(context, x_RD);
    const auto logits_RE = decision.logits_RE.const_view();
    Kept<Backend> kept;
    if (context.replay != nullptr) {
      auto recorded = replay_choice<Value, Backend>(context, routed, x_RD.rows, gate.out(), drops);
      decision.choice = std::move(recorded.choice);
      kept = std::move(recorded.kept);
    } else {
      decision.choice = route<Value, Backend>(context, single, room, logits_RE,
                                              has_biases ? biases_E.view() : thresholds_E.view(), facts, identical_1R);
      if constexpr (drops) {
        const RandomKey key =
            drops_by(room) == DropBy::random ? facts.stream(context.layer, "the capacity") : RandomKey{};
        kept =
            drop_overflow_rows<Value, Backend>(context, room, logits_RE, decision.choice.chosen_RE.const_view(), key);
        decision.choice.expected = {};
      }
    }
    decision.kept_RE = std::move(kept.kept_RE);
    decision.dropped = std::move(kept.dropped);
    decision.gates_RE = normalize<Value, Backend>(context, normalizer, logits_RE, normalized_over(room, decision));
    return decision;
  }
  template <class Room>
  static View<const ChoiceOrder, Backend> normalized_over(const Room& room, const Decision<Value, Backend>& decision) {
    if constexpr (DroppingCapacity<Room>)
      if (room.normalize == NormalizeGates::after_dropping) return decision.kept().view();
    return decision.choice.chosen_RE.view();
  }
};

}  // namespace moe
