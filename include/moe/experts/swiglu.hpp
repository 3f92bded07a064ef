#pragma once

#include <concepts>
#include <span>
#include <string>
#include <utility>

#include "moe/backend/contract/backend.hpp"
#include "moe/core/batch.hpp"
#include "moe/core/bfloat16.hpp"
#include "moe/core/entry.hpp"
#include "moe/core/forward.hpp"
#include "moe/core/group_offsets.hpp"
#include "moe/core/list_view.hpp"
#include "moe/core/matrix.hpp"
#include "moe/core/misuse.hpp"
#include "moe/core/phase.hpp"
#include "moe/core/trees.hpp"
#include "moe/experts/expert.hpp"
#include "moe/experts/weight_list.hpp"

namespace moe {

/// FFN(x) = W_down (silu(W_gate x) * (W_up x)), no biases: the dense layer of Qwen, and each expert. Weights are stored
/// [out, in]: gate_proj and up_proj [F, D], down_proj [D, F].
template <class Value_, class Backend_>
struct SwiGlu {
  static_assert(moe::Backend<Backend_>, "SwiGlu: 2nd argument must be a Backend such as Cpu<>");

  using Value = Value_;
  using Backend = Backend_;
  using Context = typename Backend::Context;
  using Tensor = Matrix<Value, Backend>;
  using ConstView = View<const Value, Backend>;
  template <class Other>
  using rebind = SwiGlu<Other, Backend>;
  using Stats = NoStats;
  using DecodingState = NoDecodingState;
  static constexpr bool is_causal = true;
  static constexpr bool is_batch_independent = true;

  /// What backward_groups needs of forward_groups: silu's argument and its factor.
  struct GroupSaved {
    /// W_gate x, which silu takes, and W_up x.
    Tensor a_NF, b_NF;
  };
  /// What backward consumes.
  struct Saved {
    Tensor x_owned;
    ConstView x_TD;
    /// What the one group keeps.
    GroupSaved group;
  };

  /// [F, D], [F, D] and [D, F].
  Tensor gate_proj, up_proj, down_proj;

  SwiGlu() = default;
  /// Zero weights for rows of `width` values and `hidden` inner channels.
  SwiGlu(Index width, Index hidden) : gate_proj(hidden, width), up_proj(hidden, width), down_proj(width, hidden) {}

  Index width() const { return down_proj.rows(); }
  /// F: inner channels.
  Index hidden() const { return down_proj.cols(); }

  /// Throws Error unless the three weights fit each other.
  void require_consistent(std::string_view where) const {
    require(gate_proj.rows() == hidden() && gate_proj.cols() == width() && SameShape{}(gate_proj, up_proj), where,
            "gate_proj and up_proj must be ", hidden(), " x ", width(), " as down_proj is ", width(), " x ", hidden(),
            ", got ", gate_proj.rows(), " x ", gate_proj.cols(), " and ", up_proj.rows(), " x ", up_proj.cols());
  }
  /// Whether `saved` is what forward_groups keeps of so many rows.
  bool keeps(const GroupSaved& saved, Index rows) const {
    return saved.a_NF.rows() == rows && saved.a_NF.cols() == hidden() && SameShape{}(saved.a_NF, saved.b_NF);
  }

  // --- as a layer of its own ----------------------------------------------------------------------------------------

  /// x_TD -> y_TD. The view's memory must outlive `saved`. Throws Error when x's columns or the batch's rows do not
  /// fit.
  Forward<Tensor, Saved, Stats> forward(const Context& context, ConstView x_TD, const Batch& batch) const {
    check("SwiGlu::forward", x_TD, batch);
    begin_phase(context, Phase::experts);
    // It has a name because nvcc 13 forgets the span where a temporary one becomes an ExpertSpan.
    const std::span<const SwiGlu> itself(this, 1);
    auto [y_TD, group] = forward_groups(context, itself, x_TD, {0, x_TD.rows});
    return {std::move(y_TD), {{}, x_TD, std::move(group)}, {}};
  }
  /// The same for a matrix that `saved` is to keep.
  Forward<Tensor, Saved, Stats> forward(const Context& context, Tensor&& x_TD, const Batch& batch) const {
    auto result = forward(context, std::as_const(x_TD).view(), batch);
    result.saved.x_owned = std::move(x_TD);
    return result;
  }
  /// d_y_TD -> d_x_TD; adds into `gradient`, skipping its empty tensors. Throws Error when d_y has another shape than
  /// x.
  template <detail::SlopesOf<SwiGlu> Slopes>
  Tensor backward(const Context& context, ConstView d_y_TD, AuxiliaryGradient d_stats, Saved&& consumed,
                  Slopes& gradient) const {
    require_output_gradient("SwiGlu::backward", d_y_TD, consumed.x_TD, d_stats);
    require_consistent("SwiGlu::backward");
    require(keeps(consumed.group, d_y_TD.rows) && consumed.x_TD.cols == width(), "SwiGlu::backward",
            "`saved` must be what forward of this layer returned, not consumed yet, got a_NF of ",
            consumed.group.a_NF.rows(), " x ", consumed.group.a_NF.cols(), " for x of ", consumed.x_TD.rows, " x ",
            consumed.x_TD.cols, " and ", hidden(), " inner channels");
    require_gradient("SwiGlu::backward", *this, gradient);
    Saved saved = std::move(consumed);
    begin_phase(context, Phase::experts);
    return backward_groups<Slopes>(context, std::span(this, 1), d_y_TD, {}, {0, d_y_TD.rows}, saved.x_TD,
                                   std::move(saved.group), {}, std::span(&gradient, 1));
  }
  /// forward with nothing kept.
  Tensor infer(const Context& context, ConstView x_TD, const Batch& batch) const {
    check("SwiGlu::infer", x_TD, batch);
    begin_phase(context, Phase::experts);
    const std::span<const SwiGlu> itself(this, 1);
    return infer_groups(context, itself, x_TD, {0, x_TD.rows});
  }
  /// Nothing to remember.
  DecodingState begin_decoding(const Context&, Index /*sequences*/) const { return {}; }
  /// infer over the first rows of every sequence.
  Tensor prefill(const Context& context, ConstView x_TD, const Batch& batch, DecodingState&) const {
    return infer(context, x_TD, batch);
  }
  /// One more row of each sequence. tokens_B is empty or has an id for each row. Throws Error when columns or ids do
  /// not fit.
  Tensor decode(const Context& context, ConstView x_BD, std::span<const std::int32_t> tokens_B, DecodingState&) const {
    require_known(tokens_B, x_BD.rows, "SwiGlu::decode", "there are", "token ids");
    return infer(context, x_BD, Batch::sequences(x_BD.rows, 1));
  }
  /// Nothing is learned outside gradients.
  void absorb(const Context&, const Stats&) {}

  // --- as experts: rows [offsets[e], offsets[e+1]) go through experts[e] ---------------------------------------------

  /// x_ND -> y_ND, and what backward_groups needs.
  static std::pair<Tensor, GroupSaved> forward_groups(const Context& context, ExpertSpan<const SwiGlu> experts,
                                                      ConstView x_ND, const GroupOffsets& offsets) {
    const Index hidden = experts[0].hidden();
    GroupSaved saved{Tensor::uninitialized(context, x_ND.rows, hidden),
                     Tensor::uninitialized(context, x_ND.rows, hidden)};
    auto y_ND = answer(context, experts, x_ND, offsets, saved.a_NF.view(), saved.b_NF.view());
    return {std::move(y_ND), std::move(saved)};
  }

  /// d_y_ND -> d_x_ND where y_n = gates_n FFN(x_n), or FFN(x_n) without gates; adds into `gradients`, skipping empty
  /// tensors, and writes d_gates_n = <d_y_n, FFN(x_n)> = <d_y_n W_down, h_n>: d_h = gates_n d_y W_down, d_x = d_a
  /// W_gate + d_b W_up, d_W_down = d_y^T (gates_n h).
  template <class Slopes>
  static Tensor backward_groups(const Context& context, ExpertSpan<const SwiGlu> experts, ConstView d_y_ND,
                                View<const Wide<Value>, Backend> gates_1N, ListView<Index> offsets, ConstView x_ND,
                                GroupSaved saved, View<Wide<Value>, Backend> d_gates_1N, ExpertSpan<Slopes> gradients) {
    auto h_NF = Tensor::uninitialized(context, x_ND.rows, experts[0].hidden());
    Backend::grouped_swiglu_back(context, d_y_ND, weights(context, experts, &SwiGlu::down_proj), offsets, gates_1N,
                                 saved.a_NF.view(), saved.b_NF.view(), h_NF.view(), d_gates_1N);
    const Tensor d_a_NF = std::move(saved.a_NF), d_b_NF = std::move(saved.b_NF);
    add_gradient(context, d_y_ND, h_NF, offsets, gradients, &Slopes::down_proj);
    add_gradient(context, d_b_NF, x_ND, offsets, gradients, &Slopes::up_proj);
    add_gradient(context, d_a_NF, x_ND, offsets, gradients, &Slopes::gate_proj);
    auto d_x_ND = Tensor::uninitialized(context, x_ND.rows, x_ND.cols);
    Backend::grouped_swiglu_input_gradient(context, d_a_NF, weights(context, experts, &SwiGlu::gate_proj), d_b_NF,
                                           weights(context, experts, &SwiGlu::up_proj), offsets, d_x_ND.view());
    return d_x_ND;
  }

  /// forward_groups with nothing kept: the same bits.
  static Tensor infer_groups(const Context& context, ExpertSpan<const SwiGlu> experts, ConstView x_ND,
                             const GroupOffsets& offsets) {
    return answer(context, experts, x_ND, offsets, {}, {});
  }

  // --- as a tree of weights -----------------------------------------------------------------------------------------

  SwiGlu structure() const { return {}; }
  /// The same tree of other values.
  template <class Other>
  rebind<Other> structure_as() const {
    return {};
  }

  template <class Visit, class... Trees>
  static void visit_parameters(Visit&& visit, const auto& prefix, Trees&&... trees) {
    visit(prefix + "gate_proj.weight", trees.gate_proj...);
    visit(prefix + "up_proj.weight", trees.up_proj...);
    visit(prefix + "down_proj.weight", trees.down_proj...);
  }
  template <class Visit, class... Trees>
  static void visit_buffers(Visit&&, const std::string&, Trees&&...) {}

  // --- calls that are mistakes, each answered with a sentence --------------------------------------------------------

  template <std::same_as<SwiGlu> Same>
  SwiGlu(Same&) {
    detail::explain_copy<Same>();
  }
  template <class Given, class Gradient>
  Tensor backward(const Context&, ConstView, AuxiliaryGradient, Given&&, Gradient&&) const {
    return detail::explain_backward<SwiGlu, Given, Gradient>();
  }

 private:
  void check(std::string_view where, ConstView x_TD, const Batch& batch) const {
    require_consistent(where);
    require_rows(where, x_TD, "gate_proj expects", width());
    require_batch(batch, x_TD.rows, where);
  }
  /// y_ND; silu's argument and its factor go to a_NF and b_NF, or nowhere where these are empty.
  static Tensor answer(const Context& context, ExpertSpan<const SwiGlu> experts, ConstView x_ND,
                       const GroupOffsets& offsets, View<Value, Backend> a_NF, View<Value, Backend> b_NF) {
    auto h_NF = Tensor::uninitialized(context, x_ND.rows, experts[0].hidden());
    Backend::grouped_swiglu(context, x_ND, weights(context, experts, &SwiGlu::gate_proj),
                            weights(context, experts, &SwiGlu::up_proj), offsets, a_NF, b_NF, h_NF.view());
    auto y_ND = Tensor::uninitialized(context, x_ND.rows, x_ND.cols);
    Backend::grouped_product(context, h_NF, weights(context, experts, &SwiGlu::down_proj), offsets, y_ND.view());
    return y_ND;
  }
  /// One of the three weights of every expert.
  static WeightList<ConstView, Backend> weights(const Context& context, ExpertSpan<const SwiGlu> experts,
                                                Tensor SwiGlu::*which) {
    return {context, experts, which};
  }
  template <class Slope>
  static void add_gradient(const Context& context, ConstView d_y_NO, ConstView x_NI, ListView<Index> offsets,
                           ExpertSpan<SwiGlu<Slope, Backend>> gradients,
                           Matrix<Slope, Backend> SwiGlu<Slope, Backend>::*which) {
    Backend::template grouped_weight_gradient<Value, Slope>(
        context, d_y_NO, x_NI, offsets, WeightList<View<Slope, Backend>, Backend>(context, gradients, which));
  }
};

}  // namespace moe
