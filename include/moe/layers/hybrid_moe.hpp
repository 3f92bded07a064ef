#pragma once

#include <concepts>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include "moe/core/batch.hpp"
#include "moe/core/bfloat16.hpp"
#include "moe/core/entry.hpp"
#include "moe/core/forward.hpp"
#include "moe/core/list_view.hpp"
#include "moe/core/matrix.hpp"
#include "moe/core/misuse.hpp"
#include "moe/core/phase.hpp"
#include "moe/core/plan.hpp"
#include "moe/core/require.hpp"
#include "moe/core/settings.hpp"
#include "moe/core/trees.hpp"
#include "moe/experts/moe_ffn.hpp"
#include "moe/fusion/fusion.hpp"
#include "moe/layers/level.hpp"
#include "moe/ops/add.hpp"
#include "moe/ops/scale.hpp"
#include "moe/routing/steps/choose.hpp"

namespace moe {

namespace detail {

template <class F, class Other>
struct RebindFusionTo {
  using type = F;
};
template <class F, class Other>
requires requires { typename F::template rebind<Other>; }
struct RebindFusionTo<F, Other> {
  using type = typename F::template rebind<Other>;
};
template <class F, class Other>
using RebindFusion = typename RebindFusionTo<F, Other>::type;

struct NothingSaved {};
template <class F>
struct SavedOfFusion {
  using type = NothingSaved;
};
template <OutputFusion F>
struct SavedOfFusion<F> {
  using type = typename F::Saved;
};

}  // namespace detail

/// y = fusion(token level, segment level) over the same x (eq. 6): composition only. Where the fusion only scales
/// gates, both levels' plans become one: one gather, one run over all experts, one combine.
///
/// Weights: token.*, segment.*, and the fusion's.
template <class Token, class Segment, class F>
class HybridMoE {
  static_assert(Level<Token>, "HybridMoE: 1st argument must be a layer of routed experts such as TokenMoE");
  static_assert(SegmentLevel<Segment>,
                "HybridMoE: 2nd argument must be a layer that tells its gates, such as SegmentMoE");
  static_assert(Fusion<F>, "HybridMoE: 3rd argument must be a Fusion such as FixedFusion");
  static_assert(std::same_as<typename Token::Backend, typename Segment::Backend>,
                "HybridMoE: both levels must live on one backend");
  static_assert(std::same_as<typename Token::Value, typename Segment::Value>,
                "HybridMoE: both levels must have one value type");

 public:
  using Value = typename Token::Value;
  using Backend = typename Token::Backend;
  using Context = typename Backend::Context;
  using Tensor = Matrix<Value, Backend>;
  using ConstView = View<const Value, Backend>;
  /// What routing and fusion are computed in.
  using Real = Wide<Value>;
  /// A matrix of it.
  using RealTensor = Matrix<Real, Backend>;
  using ExpertType = typename Token::ExpertType;
  template <class Other>
  using rebind = HybridMoE<typename Token::template rebind<Other>, typename Segment::template rebind<Other>,
                           detail::RebindFusion<F, Other>>;

  static constexpr bool is_causal = Token::is_causal && Segment::is_causal;
  static constexpr bool is_batch_independent = Token::is_batch_independent && Segment::is_batch_independent;

  /// Whether both levels can run in one pass: nothing but gates is scaled, and both work on x's rows.
  static constexpr bool joins_levels = GateFusion<F> && Segment::feeds_rows && Token::only_experts;

  /// What both levels observed; losses add.
  struct Stats {
    /// The token level's.
    typename Token::Stats token;
    /// The segment level's.
    typename Segment::Stats segment;

    double balance_loss() const { return token.balance_loss() + segment.balance_loss(); }
    double z_loss() const { return token.z_loss() + segment.z_loss(); }
  };
  /// What the levels' one pass keeps.
  struct JoinedSaved {
    /// The token level's decision.
    typename Token::Routed token;
    /// The segment level's decision.
    typename Segment::Routed segment;
    /// Each row's sum of segment gates, and the two numbers its levels were scaled by.
    RealTensor mass_1T;
    /// The two numbers a row that its levels were scaled by.
    RealTensor scale_T2;
    MixSaved<ExpertType> mix;
  };
  /// What two passes keep.
  struct SeparateSaved {
    /// What the token level keeps.
    typename Token::Saved token;
    /// What the segment level keeps.
    typename Segment::Saved segment;
    /// What an output fusion keeps.
    typename detail::SavedOfFusion<F>::type fusion;
    /// As in JoinedSaved, and the levels' outputs, for a fusion that scales gates.
    RealTensor mass_1T;
    /// As in JoinedSaved.
    RealTensor scale_T2;
    /// The levels' outputs.
    Tensor o_token_TD, o_segment_TD;
  };
  /// What backward consumes.
  struct Saved {
    Tensor x_owned;
    ConstView x_TD;
    /// What the levels keep, in one pass or in two.
    std::conditional_t<joins_levels, JoinedSaved, SeparateSaved> levels;
  };
  /// What both levels keep between rows.
  struct DecodingState {
    /// The token level's.
    typename Token::DecodingState token;
    /// The segment level's.
    typename Segment::DecodingState segment;

    /// Takes in the sequences of `more`, behind its own.
    void join(const Context& context, const DecodingState& more) {
      token.join(context, more.token);
      segment.join(context, more.segment);
    }
    /// Only these sequences stay, in this order.
    void keep(const Context& context, ListView<Index> sequences) {
      token.keep(context, sequences);
      segment.keep(context, sequences);
    }
  };

  /// Routes rows.
  Token token;
  /// Routes segments.
  Segment segment;
  /// Joins the two outputs (eq. 6).
  F fusion;

  HybridMoE() = default;
  /// Throws Error when the two levels read rows of different widths and for a fusion that does not fit them.
  HybridMoE(Token token_, Segment segment_, F fusion_)
      : token(std::move(token_)), segment(std::move(segment_)), fusion(std::move(fusion_)) {
    require_consistent("HybridMoE");
  }

  Index width() const { return token.width(); }

  /// Throws Error unless levels and fusion fit each other and each is consistent: what every public entry asks, since
  /// all of them may be assigned.
  void require_consistent(std::string_view where) const {
    require(token.width() == segment.width(), where, "the token level reads ", token.width(),
            " columns, the segment level ", segment.width());
    if constexpr (requires { token.require_consistent(where); }) token.require_consistent(where);
    if constexpr (requires { segment.require_consistent(where); }) segment.require_consistent(where);
    if constexpr (joins_levels)
      require_trees(where, SameShape{}, token.bank.experts.front(), segment.bank.experts.front());
    require_settings(fusion, width());
  }

  /// x_TD -> y_TD. The view's memory must outlive `saved`. Throws Error when x's columns or the batch's rows do not
  /// fit, and when a level draws random numbers and the batch has no key for them.
  Forward<Tensor, Saved, Stats> forward(const Context& context, ConstView x_TD, const Batch& batch) const {
    check("HybridMoE::forward", x_TD, batch);
    if constexpr (joins_levels)
      return forward_joined(context, x_TD, batch);
    else
      return forward_separately(context, x_TD, batch);
  }
  /// The same for a matrix that `saved` is to keep.
  Forward<Tensor, Saved, Stats> forward(const Context& context, Tensor&& x_TD, const Batch& batch) const {
    auto result = forward(context, std::as_const(x_TD).view(), batch);
    result.saved.x_owned = std::move(x_TD);
    return result;
  }

  /// d_y_TD -> d_x_TD; adds into `gradient`, skipping its empty tensors. Throws Error when d_y has another shape than
  /// x.
  template <detail::SlopesOf<HybridMoE> Slopes>
  Tensor backward(const Context& context, ConstView d_y_TD, AuxiliaryGradient d_stats, Saved&& consumed,
                  Slopes& gradient) const {
    require_output_gradient("HybridMoE::backward", d_y_TD, consumed.x_TD, d_stats);
    require_saved("HybridMoE::backward", consumed);
    require_gradient("HybridMoE::backward", *this, gradient);
    Saved saved = std::move(consumed);
    if constexpr (joins_levels)
      return backward_joined(context, d_y_TD, d_stats, saved.x_TD, std::move(saved.levels), gradient);
    else
      return backward_separately(context, d_y_TD, d_stats, std::move(saved.levels), gradient);
  }

  /// forward with the inference routers and nothing kept. Throws Error as forward does.
  Tensor infer(const Context& context, ConstView x_TD, const Batch& batch) const {
    check("HybridMoE::infer", x_TD, batch);
    if constexpr (joins_levels) {
      const auto by_token = token.decide_for_inference(context, x_TD, RowFacts::of_rows(batch));
      const auto by_segment = segment.decide_for_inference(context, x_TD, batch);
      begin_phase(context, Phase::fusion);
      const auto mass_1T = sum_of_gates<Real, Backend>(context, by_segment.gates.view());
      const auto scale_T2 = fusion.template scales<Real, Backend>(context, mass_1T.view());
      const auto gates_TE = scaled_side_by_side<Real, Backend>(context, by_token.decision.gates_RE.view(),
                                                               by_segment.gates.view(), scale_T2.view());
      begin_phase(context, Phase::dispatch);
      const auto chosen_TE = choices_of_both(context, by_token, by_segment);
      auto plan =
          Backend::finish_grouping(context, chosen_TE, begin_grouping(context, chosen_TE, by_token, by_segment));
      return mix_infer<ExpertType>(context, experts(), x_TD, std::move(plan), gates_TE.view());
    } else {
      auto o_token_TD = token.infer(context, x_TD, batch);
      auto [o_segment_TD, gates_TE] = segment.infer_with_gates(context, x_TD, batch);
      return fuse(context, std::move(o_token_TD), std::move(o_segment_TD), gates_TE);
    }
  }

  /// A state in which every sequence is at its first row.
  DecodingState begin_decoding(const Context& context, Index sequences) const requires(is_causal) {
    return {token.begin_decoding(context, sequences), segment.begin_decoding(context, sequences)};
  }
  /// infer over the first rows of every sequence, which `state`, as begin_decoding() made it, has then read.
  Tensor prefill(const Context& context, ConstView x_TD, const Batch& batch, DecodingState& state) const
      requires(is_causal) {
    auto y_TD = infer(context, x_TD, batch);
    segment.read(context, x_TD, batch, state.segment);
    return y_TD;
  }
  /// One more row of each sequence. When it throws, the state still expects this row.
  Tensor decode(const Context& context, ConstView x_BD, std::span<const std::int32_t> tokens_B,
                DecodingState& state) const requires(is_causal) {
    auto o_token_BD = token.decode(context, x_BD, tokens_B, state.token);
    auto o_segment_BD = segment.answer(context, x_BD, tokens_B, state.segment);
    auto y_BD = fuse(context, std::move(o_token_BD), std::move(o_segment_BD), state.segment.gates_BE);
    segment.advance(context, x_BD, tokens_B, state.segment);
    return y_BD;
  }

  /// Learns what a training step observed outside gradients. Once for each micro-batch of a step that was taken.
  void absorb(const Context& context, const Stats& stats) {
    token.absorb(context, stats.token);
    segment.absorb(context, stats.segment);
  }

  HybridMoE structure() const { return structure_as<Value>(); }
  /// The same tree of other values.
  template <class Other>
  rebind<Other> structure_as() const {
    rebind<Other> tree;
    tree.token = token.template structure_as<Other>();
    tree.segment = segment.template structure_as<Other>();
    tree.fusion = detail::structure_as<Other>(fusion);
    return tree;
  }
  template <class Visit, class... Trees>
  static void visit_parameters(Visit&& visit, const auto& prefix, Trees&&... trees) {
    Token::visit_parameters(visit, prefix + "token.", trees.token...);
    Segment::visit_parameters(visit, prefix + "segment.", trees.segment...);
    F::visit_parameters(visit, prefix + "fusion.", trees.fusion...);
  }
  template <class Visit, class... Trees>
  static void visit_buffers(Visit&& visit, const std::string& prefix, Trees&&... trees) {
    Token::visit_buffers(visit, prefix + "token.", trees.token...);
    Segment::visit_buffers(visit, prefix + "segment.", trees.segment...);
  }

  // --- calls that are mistakes, each answered with a sentence --------------------------------------------------------

  template <std::same_as<HybridMoE> Same>
  HybridMoE(Same&) {
    detail::explain_copy<Same>();
  }
  template <class Given, class Gradient>
  Tensor backward(const Context&, ConstView, AuxiliaryGradient, Given&&, Gradient&&) const {
    return detail::explain_backward<HybridMoE, Given, Gradient>();
  }
  template <class Unknown = void>
  DecodingState begin_decoding(const Context&, Index) const requires(!is_causal) {
    return detail::explain_decode<Unknown>();
  }
  template <class Unknown = void>
  Tensor decode(const Context&, ConstView, std::span<const std::int32_t>, DecodingState&) const requires(!is_causal) {
    return detail::explain_decode<Unknown>();
  }

 private:
  void check(std::string_view where, ConstView x_TD, const Batch& batch) const {
    require_consistent(where);
    require_rows(where, x_TD, "the gates expect", width());
    require_batch(batch, x_TD.rows, where);
  }
  void require_saved(std::string_view where, const Saved& saved) const {
    require_consistent(where);
    const Index rows = saved.x_TD.rows;
    bool fits = saved.x_TD.cols == width();
    if constexpr (joins_levels)
      fits = fits && saved.levels.token.decision.fits(rows, token.bank.count()) &&
             segment.fits(saved.levels.segment, rows) &&
             saved.levels.mix.fits(rows, token.bank.count() + segment.bank.count(), token.bank.experts.front());
    else if constexpr (requires { token.require_saved(where, saved.levels.token); })
      token.require_saved(where, saved.levels.token);
    require(fits, where, "`saved` must be what forward of this layer returned, not consumed yet, got one of ", rows,
            " x ", saved.x_TD.cols, " rows");
  }
  // --- one pass -----------------------------------------------------------------------------------------------------

  /// Both levels' experts, the token level's first.
  ExpertSpan<const ExpertType> experts() const { return {token.bank.span(), segment.bank.span()}; }

  /// Whom both levels chose, the token level's experts first.
  static Matrix<Rank, Backend> choices_of_both(const Context& context, const typename Token::Routed& by_token,
                                               const typename Segment::Routed& by_segment) {
    return side_by_side<Rank, Backend>(context, by_token.decision.kept(), by_segment.chosen.view());
  }

  auto begin_grouping(const Context& context, const Matrix<Rank, Backend>& chosen_TE,
                      const typename Token::Routed& by_token, const typename Segment::Routed& by_segment) const {
    begin_phase(context, Phase::dispatch);
    return Backend::begin_grouping(
        context, chosen_TE, Foreseen::side_by_side(by_token.decision.choice.foreseen, segment.foreseen(by_segment)));
  }

  Forward<Tensor, Saved, Stats> forward_joined(const Context& context, ConstView x_TD, const Batch& batch) const {
    JoinedSaved saved{token.decide(context, x_TD, batch), segment.decide(context, x_TD, batch), {}, {}, {}};
    begin_phase(context, Phase::dispatch);
    const auto chosen_TE = choices_of_both(context, saved.token, saved.segment);
    // What does not depend on the loads is enqueued while they travel, the experts whose loads are known included.
    auto grouping = begin_grouping(context, chosen_TE, saved.token, saved.segment);
    auto losses = token.begin_losses(context, saved.token);
    begin_phase(context, Phase::fusion);
    saved.mass_1T = sum_of_gates<Real, Backend>(context, std::as_const(saved.segment.gates).view());
    saved.scale_T2 = fusion.template scales<Real, Backend>(context, std::as_const(saved.mass_1T).view());
    const auto gates_TE = scaled_side_by_side<Real, Backend>(
        context, std::as_const(saved.token.decision.gates_RE).view(), std::as_const(saved.segment.gates).view(),
        std::as_const(saved.scale_T2).view());
    begin_phase(context, Phase::dispatch);
    auto plan = Backend::finish_grouping(context, chosen_TE, std::move(grouping));
    auto [y_TD, mix_saved] = mix<ExpertType>(context, experts(), x_TD, std::move(plan), gates_TE.view());
    saved.mix = std::move(mix_saved);
    const Index* offsets = saved.mix.plan.offsets.data();
    const Index of_token = token.bank.count();
    Stats stats{token.account(context, saved.token, std::move(losses), {offsets, of_token + 1}),
                segment.account(context, saved.segment, {offsets + of_token, segment.bank.count() + 1})};
    return {std::move(y_TD), {{}, x_TD, std::move(saved)}, std::move(stats)};
  }

  template <class Slopes>
  Tensor backward_joined(const Context& context, ConstView d_y_TD, AuxiliaryGradient d_stats, ConstView x_TD,
                         JoinedSaved saved, Slopes& gradient) const {
    const auto scale_T2 = std::as_const(saved.scale_T2).view(), mass_1T = std::as_const(saved.mass_1T).view();
    auto [d_x_TD, d_gates_TE] =
        mix_back<ExpertType>(context, experts(), d_y_TD, x_TD, std::move(saved.mix),
                             ExpertSpan(gradient.token.bank.span(), gradient.segment.bank.span()));
    begin_phase(context, Phase::fusion);
    auto d = scaled_side_by_side_back<Real, Backend>(context, std::as_const(d_gates_TE).view(),
                                                     std::as_const(saved.token.decision.gates_RE).view(),
                                                     std::as_const(saved.segment.gates).view(), scale_T2);
    const auto d_mass_1T = fusion.template scales_back<Real, Backend>(
        context, mass_1T, scale_T2, std::as_const(d.d_scale_T2).view(), gradient.fusion);
    if (!d_mass_1T.empty()) add_sum_of_gates_back<Real, Backend>(context, d_mass_1T.view(), d.d_b_TE.view());
    segment.decision_back(context, std::move(d.d_b_TE), {}, saved.segment, gradient.segment, d_x_TD.view());
    token.decision_back(context, d.d_a_TE, d_stats, saved.token, x_TD, gradient.token, d_x_TD.view());
    return std::move(d_x_TD);
  }

  // --- two passes ---------------------------------------------------------------------------------------------------

  Forward<Tensor, Saved, Stats> forward_separately(const Context& context, ConstView x_TD, const Batch& batch) const {
    auto by_token = token.forward(context, x_TD, batch);
    auto by_segment = segment.forward(context, x_TD, batch);
    begin_phase(context, Phase::fusion);
    SeparateSaved saved{std::move(by_token.saved), std::move(by_segment.saved), {}, {}, {}, {}, {}};
    Tensor y_TD;
    if constexpr (GateFusion<F>) {
      saved.mass_1T = sum_of_gates<Real, Backend>(context, segment.gates_of_rows(context, saved.segment.routed).view());
      saved.scale_T2 = fusion.template scales<Real, Backend>(context, std::as_const(saved.mass_1T).view());
      saved.o_token_TD = std::move(by_token.output);
      saved.o_segment_TD = std::move(by_segment.output);
      y_TD = scaled_sum<Value, Backend>(context, std::as_const(saved.o_token_TD).view(),
                                        std::as_const(saved.o_segment_TD).view(), std::as_const(saved.scale_T2).view());
    } else {
      std::tie(y_TD, saved.fusion) = fusion.forward(context, std::move(by_token.output), std::move(by_segment.output));
    }
    return {std::move(y_TD), {{}, x_TD, std::move(saved)}, {std::move(by_token.stats), std::move(by_segment.stats)}};
  }

  template <class Slopes>
  Tensor backward_separately(const Context& context, ConstView d_y_TD, AuxiliaryGradient d_stats, SeparateSaved saved,
                             Slopes& gradient) const {
    begin_phase(context, Phase::fusion);
    Tensor d_token_TD, d_segment_TD;
    RealTensor d_mass_1T;
    if constexpr (GateFusion<F>) {
      d_token_TD = std::move(saved.o_token_TD);
      d_segment_TD = std::move(saved.o_segment_TD);
      const auto scale_T2 = std::as_const(saved.scale_T2).view();
      const auto d_scale_T2 =
          scaled_sum_back<Value, Backend>(context, d_y_TD, d_token_TD.view(), d_segment_TD.view(), scale_T2);
      d_mass_1T = fusion.template scales_back<Real, Backend>(context, std::as_const(saved.mass_1T).view(), scale_T2,
                                                             d_scale_T2.view(), gradient.fusion);
    } else {
      auto d = fusion.backward(context, d_y_TD, std::move(saved.fusion), gradient.fusion);
      d_token_TD = std::move(d.d_token_TD);
      d_segment_TD = std::move(d.d_segment_TD);
    }
    const auto d_x_segment_TD =
        segment.backward(context, d_segment_TD, d_stats, std::move(saved.segment), gradient.segment, d_mass_1T.view());
    auto d_x_TD = token.backward(context, d_token_TD, d_stats, std::move(saved.token), gradient.token);
    begin_phase(context, Phase::fusion);
    add_to(context, d_x_segment_TD, d_x_TD.view());
    return d_x_TD;
  }

  Tensor fuse(const Context& context, Tensor o_token_TD, Tensor o_segment_TD, const RealTensor& gates_TE) const {
    begin_phase(context, Phase::fusion);
    if constexpr (GateFusion<F>) {
      const auto mass_1T = sum_of_gates<Real, Backend>(context, gates_TE.view());
      const auto scale_T2 = fusion.template scales<Real, Backend>(context, mass_1T.view());
      return scaled_sum<Value, Backend>(context, std::as_const(o_token_TD).view(), std::as_const(o_segment_TD).view(),
                                        scale_T2.view());
    } else {
      return fusion.forward(context, std::move(o_token_TD), std::move(o_segment_TD)).first;
    }
  }
};

}  // namespace moe
