#pragma once

#include <cstdint>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "moe/core/batch.hpp"
#include "moe/core/bfloat16.hpp"
#include "moe/core/counted.hpp"
#include "moe/core/forward.hpp"
#include "moe/core/layer_entries.hpp"
#include "moe/core/list_view.hpp"
#include "moe/core/matrix.hpp"
#include "moe/core/phase.hpp"
#include "moe/core/plan.hpp"
#include "moe/core/require.hpp"
#include "moe/core/routing_replay.hpp"
#include "moe/core/settings.hpp"
#include "moe/core/trees.hpp"
#include "moe/experts/lora_adapter.hpp"
#include "moe/experts/moe_ffn.hpp"
#include "moe/experts/swiglu.hpp"
#include "moe/ops/add.hpp"
#include "moe/ops/dispatch.hpp"
#include "moe/routing/capacity/unlimited.hpp"
#include "moe/routing/router/router.hpp"
#include "moe/routing/steps/choose.hpp"
#include "moe/routing/steps/report.hpp"

namespace moe {

namespace detail {

/// Checks LoraFfn's template arguments and names the backend.
template <class R, class Backend_>
struct LoraParts {
  static_assert(RowRouter<R> && !LearnsThresholds<R>,
                "LoraFfn: 1st argument must be a row router that needs no gate and no thresholds, such as "
                "LanguageChoice or TopK");
  static_assert(moe::Backend<Backend_>, "LoraFfn: 3rd argument must be a Backend such as Cpu<>");
  using Backend = Backend_;
};

}  // namespace detail

/// A dense FFN whose three projections have LoRA adapters, selected once per row from the batch's row information:
///   a = W_gate x + sum_e s_e B_e A_e x,  b = W_up x + sum_e s_e B_e A_e x,  y = W_down h + sum_e s_e B_e A_e h
/// with h = silu(a) b and e over the row's adapters. With LanguageChoice it is MoLE; with one adapter for every row
/// (TopK with k = 1) it is a plain LoRA FFN. There is no learned gate: all logits of the router are 0, and a record of
/// choices to replay is rejected with Error.
///
/// Weights: those of the FFN, which train if the gradient tree has them, and PROJECTION.adapters.e.lora_A.weight,
/// lora_B.weight; with a single adapter PROJECTION.lora_A.weight, as in peft.
template <class R, class Value_, class Backend_>
class LoraFfn : public LayerEntries<LoraFfn<R, Value_, Backend_>, Value_,
                                    typename detail::LoraParts<R, Backend_>::Backend, AuxiliaryGradient> {
 public:
  using Value = Value_;
  using Backend = Backend_;
  using Context = typename Backend::Context;
  using Tensor = Matrix<Value, Backend>;
  using ConstView = View<const Value, Backend>;
  /// Type that routing is computed in.
  using Real = Accum<Value>;
  /// Type of an adapter.
  using Adapter = LoraAdapter<Value, Backend>;
  /// Type of the dense FFN under the adapters, the source of upcycling.
  using DenseType = SwiGlu<Value, Backend>;
  template <class Other>
  using rebind = LoraFfn<R, Other, Backend>;

  static constexpr bool is_causal = router_is_causal<R>;
  static constexpr bool is_batch_invariant = router_is_batch_invariant<R>;
  /// Name in error messages.
  static constexpr std::string_view name = "LoraFfn";
  /// Clause of the error for x with a wrong number of columns: "x has 3 columns, gate_proj expects 4".
  static constexpr std::string_view reader = "gate_proj expects";

  /// Statistics of a training forward.
  struct Stats {
    /// load[e]: rows that adapter e processed.
    std::vector<Index> load;

    double balance_loss() const { return 0; }
    double z_loss() const { return 0; }
  };
  /// Decoding state: the languages of the next rows, set by the caller. prefill uses the batch's languages instead.
  struct DecodingState {
    /// Programming language of each sequence's next row, as in Batch::languages, or empty: all -1. The caller sets it;
    /// it stays valid until it is set again, for example at the end of a fenced code block.
    std::vector<std::int32_t> languages;

    /// Appends the sequences of `more` and clears all languages.
    void join(const Context&, const DecodingState& /*more*/) { languages.clear(); }
    /// Keeps only these sequences and clears all languages.
    void keep(const Context&, ListView<Index> /*sequences*/) { languages.clear(); }
  };
  /// Tensors that backward consumes.
  struct Saved {
    Tensor x_owned;
    ConstView x_TD;
    /// The pairs (row, adapter).
    moe::Plan<Backend> plan;
    /// a, the argument of silu, and b, its factor.
    Tensor a_TF, b_TF;
    /// Saved by gate_proj's adapters.
    typename Adapter::GroupSaved gate;
    /// Saved by up_proj's adapters.
    typename Adapter::GroupSaved up;
    /// Saved by down_proj's adapters.
    typename Adapter::GroupSaved down;
  };

  /// Router, which selects the adapters of each row.
  R router{};
  /// Dense FFN under the adapters.
  SwiGlu<Value, Backend> base;
  /// Adapters of W_gate, D -> F.
  AdapterBank<Value, Backend> gate_proj;
  /// Adapters of W_up, D -> F, equally many.
  AdapterBank<Value, Backend> up_proj;
  /// Adapters of W_down, F -> D, equally many.
  AdapterBank<Value, Backend> down_proj;

  LoraFfn() = default;
  /// All-zero adapters of these ranks and scales on each projection of the FFN; draw_adapters initializes them. Throws
  /// Error if there is no adapter, a rank is below 1, or the router requires a number of adapters other than that of
  /// `sizes`.
  LoraFfn(R router_, SwiGlu<Value, Backend> dense, const std::vector<AdapterSize>& sizes)
      : router(router_),
        base(std::move(dense)),
        gate_proj(base.width(), base.hidden(), sizes),
        up_proj(base.width(), base.hidden(), sizes),
        down_proj(base.hidden(), base.width(), sizes) {
    require_consistent(name);
  }

  Index width() const { return base.width(); }
  /// Number of adapters per projection, E.
  Index adapters() const { return gate_proj.count(); }

  /// Throws Error unless weights and settings match each other. Every public entry calls this, since all of them are
  /// assignable.
  void require_consistent(std::string_view where) const {
    if constexpr (requires { router.experts(); })
      require(router.experts() == adapters(), where, "the router chooses among ", counted(router.experts(), "adapters"),
              ", there are ", adapters());
    require(adapters() >= 1 && up_proj.count() == adapters() && down_proj.count() == adapters(), where,
            "every projection must have as many adapters, at least 1, got ", adapters(), ", ", up_proj.count(), " and ",
            down_proj.count());
    require_settings(router, adapters());
    base.require_consistent(where);
    gate_proj.require_consistent(where, base.width(), base.hidden());
    up_proj.require_consistent(where, base.width(), base.hidden());
    down_proj.require_consistent(where, base.hidden(), base.width());
  }

  /// The equivalent dense FFN, with W + s B A in place of each W. Throws Error unless each projection has exactly one
  /// adapter.
  SwiGlu<Value, Backend> merged(const Context& context) const {
    require_consistent("LoraFfn::merged");
    require(adapters() == 1, "LoraFfn::merged", "one adapter can be merged into a weight, there are ", adapters());
    SwiGlu<Value, Backend> dense;
    dense.gate_proj = merged_weight(context, base.gate_proj, gate_proj);
    dense.up_proj = merged_weight(context, base.up_proj, up_proj);
    dense.down_proj = merged_weight(context, base.down_proj, down_proj);
    return dense;
  }

  /// Selects the adapters of each of `rows` rows; the selection depends on the batch only. Throws Error if the router
  /// draws random numbers and `facts` has no key.
  Choice<Real, Backend> decide(const Context& context, Index rows, RowInfo facts) const {
    const PhaseScope scope(context, Phase::router);
    const auto zeros_1E = Matrix<Real, Backend>::zeros(context, 1, adapters());
    // A view with row stride 0: all rows share one row of zeros.
    const View<const Real, Backend> logits_TE(zeros_1E.data(), rows, adapters(), 0);
    auto choice = route<Real, Backend>(context, router, Unlimited{}, logits_TE, {}, facts);
    if (context.observer) {
      auto gates_TE = Matrix<Real, Backend>::uninitialized(context, rows, adapters());
      Backend::for_each_cell(context, rows, adapters(),
                             [gates = gates_TE.view()] MOE_ON_DEVICE(Index t, Index e) { gates(t, e) = 1; });
      const auto chosen_TE = choice.chosen_RE.const_view();
      report<Real, Backend>(context, {}, chosen_TE, chosen_TE, gates_TE.const_view(), {});
    }
    return choice;
  }

  /// Does nothing: the layer has no buffers.
  void update_buffers(const Context&, const Stats&) {}

  LoraFfn empty_tree() const { return empty_tree_of<Value>(); }
  /// The same tree with values of type Other, every tensor empty.
  template <class Other>
  rebind<Other> empty_tree_of() const {
    rebind<Other> tree;
    tree.router = router;
    tree.base = base.template empty_tree_of<Other>();
    tree.gate_proj = gate_proj.template empty_tree_of<Other>();
    tree.up_proj = up_proj.template empty_tree_of<Other>();
    tree.down_proj = down_proj.template empty_tree_of<Other>();
    return tree;
  }
  template <class Visit, class... Trees>
  static void visit_parameters(Visit&& visit, const auto& prefix, Trees&&... trees) {
    using Bank = AdapterBank<Value, Backend>;
    SwiGlu<Value, Backend>::visit_parameters(visit, prefix, trees.base...);
    Bank::visit_parameters(visit, prefix + "gate_proj.", trees.gate_proj...);
    Bank::visit_parameters(visit, prefix + "up_proj.", trees.up_proj...);
    Bank::visit_parameters(visit, prefix + "down_proj.", trees.down_proj...);
  }
  template <class Visit, class... Trees>
  static void visit_buffers(Visit&&, const std::string&, Trees&&...) {}

 private:
  friend LayerEntries<LoraFfn, Value, Backend, AuxiliaryGradient>;

  static void require_replay(std::string_view where, const RoutingReplay&, const std::vector<Index>& /*offsets*/) {
    require(
        false, where,
        "the context has a record of choices, and this layer does not replay one: its router uses no logits, so the "
        "same batch gives the same choice");
  }
  // Checks the languages that the caller set: none, or one per row.
  static void require_state(std::string_view where, const DecodingState& state, Index count, std::string_view whose,
                            std::string_view what) {
    const Index known = std::ssize(state.languages);
    require(known == 0 || known == count, where, whose, " ", counted(count, what), ", the state has ",
            counted(known, "languages"));
    require_known(state.languages, known, where, "the state has", "languages");
  }
  void require_saved(std::string_view where, const Saved& saved) const {
    const Index rows = saved.x_TD.rows, pairs = saved.plan.pairs();
    require(saved.x_TD.cols == width() && saved.plan.experts() == adapters() &&
                saved.plan.pair_begin_1T.cols() == rows + 1 && saved.a_TF.rows() == rows &&
                saved.a_TF.cols() == base.hidden() && SameShape{}(saved.a_TF, saved.b_TF) &&
                gate_proj.keeps(saved.gate, pairs) && up_proj.keeps(saved.up, pairs) &&
                down_proj.keeps(saved.down, pairs),
            where, "`saved` must be what forward of this layer returned, not consumed yet, got one of ", rows, " x ",
            saved.x_TD.cols, " rows and ", counted(saved.plan.experts(), "adapters"));
  }

  Forward<Tensor, Saved, Stats> make_forward(const Context& context, ConstView x_TD, const Batch& batch) const {
    auto [y_TD, saved] = answer(context, x_TD, RowInfo::of_rows(batch));
    Stats stats{loads_of(saved.plan.offsets)};
    return {std::move(y_TD), std::move(saved), std::move(stats)};
  }
  template <class GradientTree>
  Tensor make_backward(const Context& context, ConstView d_y_TD, AuxiliaryGradient, Saved saved,
                       GradientTree& gradient) const {
    using GradientValue = typename GradientTree::Value;
    const PhaseScope scope(context, Phase::experts);
    const moe::Plan<Backend>& plan = saved.plan;
    const Tensor h_TF = inner(context, saved.a_TF, saved.b_TF);
    auto d_h_TF = Tensor::zeros(context, h_TF.rows(), h_TF.cols());
    projection_backward<GradientValue>(context, base.down_proj, down_proj, d_y_TD, h_TF, plan, std::move(saved.down),
                                       d_h_TF.view(), gradient.base.down_proj, gradient.down_proj);
    Backend::glu_backward(context, Silu{}, saved.a_TF.view(), saved.b_TF.view(), d_h_TF.view());
    const Tensor d_a_TF = std::move(saved.a_TF), d_b_TF = std::move(saved.b_TF);
    auto d_x_TD = Tensor::zeros(context, d_y_TD.rows, d_y_TD.cols);
    projection_backward<GradientValue>(context, base.up_proj, up_proj, d_b_TF, saved.x_TD, plan, std::move(saved.up),
                                       d_x_TD.view(), gradient.base.up_proj, gradient.up_proj);
    projection_backward<GradientValue>(context, base.gate_proj, gate_proj, d_a_TF, saved.x_TD, plan,
                                       std::move(saved.gate), d_x_TD.view(), gradient.base.gate_proj,
                                       gradient.gate_proj);
    return d_x_TD;
  }
  /// forward without saved tensors; y_TD is bitwise identical.
  Tensor make_inference(const Context& context, ConstView x_TD, const Batch& batch) const {
    return answer(context, x_TD, RowInfo::of_rows(batch).in_inference()).first;
  }
  DecodingState begin_state(const Context&, Index /*sequences*/) const { return {}; }
  Tensor make_prefill(const Context& context, ConstView x_TD, const Batch& batch, DecodingState&) const {
    return make_inference(context, x_TD, batch);
  }
  Tensor make_decode(const Context& context, ConstView x_BD, std::span<const std::int32_t> tokens_B,
                     DecodingState& state) const {
    return answer(context, x_BD, RowInfo{tokens_B, state.languages}.in_inference()).first;
  }

  static Tensor merged_weight(const Context& context, const Tensor& weight, const AdapterBank<Value, Backend>& bank) {
    Tensor result = weight.copy();
    bank.adapters.front().add_product(context, 1, result);
    return result;
  }
  std::pair<Tensor, Saved> answer(const Context& context, ConstView x_TD, RowInfo facts) const {
    Saved saved;
    saved.x_TD = x_TD;
    const auto choice = decide(context, x_TD.rows, facts);
    const PhaseScope scope(context, Phase::experts);
    auto grouping = in_phase(context, Phase::dispatch,
                             [&] { return Backend::begin_grouping(context, choice.chosen_RE, choice.expected); });
    // Enqueued during the asynchronous copy of the loads to the host: the products that do not depend on them.
    saved.a_TF = product(context, base.gate_proj, x_TD);
    saved.b_TF = product(context, base.up_proj, x_TD);
    const auto x_ND = in_phase(context, Phase::dispatch, [&] {
      saved.plan = Backend::finish_grouping(context, choice.chosen_RE, std::move(grouping));
      saved.plan.complete();
      return gathered<Value, Backend>(context, x_TD, saved.plan);
    });
    saved.gate = add_adapters(context, gate_proj, x_ND, saved.plan, saved.a_TF.view());
    saved.up = add_adapters(context, up_proj, x_ND, saved.plan, saved.b_TF.view());
    const Tensor h_TF = inner(context, saved.a_TF, saved.b_TF);
    Tensor y_TD = product(context, base.down_proj, h_TF);
    saved.down = add_adapters(context, down_proj, gathered<Value, Backend>(context, h_TF.view(), saved.plan),
                              saved.plan, y_TD.view());
    return {std::move(y_TD), std::move(saved)};
  }
  /// Returns h = silu(a) b.
  static Tensor inner(const Context& context, const Tensor& a_TF, const Tensor& b_TF) {
    auto h_TF = Tensor::uninitialized(context, a_TF.rows(), a_TF.cols());
    Backend::glu(context, Silu{}, a_TF, b_TF, h_TF.view());
    return h_TF;
  }
  /// Returns x W^T.
  static Tensor product(const Context& context, const Tensor& weight, ConstView x_TI) {
    auto y_TO = Tensor::uninitialized(context, x_TI.rows, weight.rows());
    Backend::grouped_product(context, x_TI, {weight.view()}, {0, x_TI.rows}, y_TO.view());
    return y_TO;
  }
  /// y_t += sum of s B A x over row t's adapters; x_NI has the input row of each pair.
  static typename Adapter::GroupSaved add_adapters(const Context& context, const AdapterBank<Value, Backend>& bank,
                                                   const Tensor& x_NI, const moe::Plan<Backend>& plan,
                                                   View<Value, Backend> y_TO) {
    auto [y_NO, saved] = Adapter::forward_groups(context, bank.span(), x_NI, plan.offsets);
    add_pairs<Value, Backend>(context, y_NO.const_view(), plan, y_TO);
    return std::move(saved);
  }
  /// d_x += d_y W + the sum of s (d_y B) A over each row's adapters; adds the wgrads to d_weight and d_bank.
  template <class GradientValue>
  static void projection_backward(const Context& context, const Tensor& weight, const AdapterBank<Value, Backend>& bank,
                                  ConstView d_y_TO, ConstView x_TI, const moe::Plan<Backend>& plan,
                                  typename Adapter::GroupSaved saved, View<Value, Backend> d_x_TI,
                                  Matrix<GradientValue, Backend>& d_weight,
                                  AdapterBank<GradientValue, Backend>& d_bank) {
    Backend::template grouped_wgrad<Value, GradientValue>(context, d_y_TO, x_TI, {0, x_TI.rows}, {d_weight.view()});
    Backend::add_grouped_dgrad(context, d_y_TO, {weight.view()}, {0, x_TI.rows}, d_x_TI);
    auto d_x_NI = Tensor::zeros(context, plan.pairs(), x_TI.cols);
    Adapter::template add_groups_backward<GradientValue>(
        context, bank.span(), gathered<Value, Backend>(context, d_y_TO, plan), plan.offsets,
        gathered<Value, Backend>(context, x_TI, plan), std::move(saved), d_x_NI.view(), d_bank.span());
    add_pairs<Value, Backend>(context, d_x_NI.const_view(), plan, d_x_TI);
  }
};

}  // namespace moe
