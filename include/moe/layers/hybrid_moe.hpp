#pragma once

#include <concepts>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "moe/core/batch.hpp"
#include "moe/core/bfloat16.hpp"
#include "moe/core/counted.hpp"
#include "moe/core/forward.hpp"
#include "moe/core/matrix.hpp"
#include "moe/core/module.hpp"
#include "moe/core/phase.hpp"
#include "moe/core/require.hpp"
#include "moe/core/settings.hpp"
#include "moe/core/trees.hpp"
#include "moe/experts/shared_path.hpp"
#include "moe/fusion/fusion.hpp"
#include "moe/layers/fused_routing.hpp"
#include "moe/layers/level.hpp"
#include "moe/layers/moe_layer.hpp"
#include "moe/layers/two_passes.hpp"

namespace moe {

namespace detail {

/// What HybridMoE's arguments name.
template <class Token, class Segment, class F>
struct HybridParts {
  static_assert(Level<Token>, "HybridMoE: 1st argument must be a layer of routed experts such as TokenMoE");
  static_assert(SegmentLevel<Segment>,
                "HybridMoE: 2nd argument must be a layer that tells how much its experts count, such as SegmentMoE");
  static_assert(Fusion<F>, "HybridMoE: 3rd argument must be a Fusion such as FixedFusion");
  static_assert(std::same_as<typename Token::Backend, typename Segment::Backend>,
                "HybridMoE: both levels must live on one backend");
  static_assert(std::same_as<typename Token::Value, typename Segment::Value>,
                "HybridMoE: both levels must have one value type");
  using Value = typename Token::Value;
  using Backend = typename Token::Backend;
  using LossGradients = typename Token::LossGradients;
};

}  // namespace detail

/// y = fusion(token level, segment level) over the same x (eq. 6): composition only. Where the fusion only scales
/// weights, both levels' routes become one (layers/fused_routing.hpp): one gather, one run over all experts, one
/// combine. A fusion that mixes outputs, experts that are fed with segments, and a path beside the token level's
/// experts need a pass for each level (layers/two_passes.hpp).
///
/// Weights: token.*, segment.*, and the fusion's.
template <class Token, class Segment, class F>
class HybridMoE : public MoeLayer<HybridMoE<Token, Segment, F>, typename detail::HybridParts<Token, Segment, F>::Value,
                                  typename detail::HybridParts<Token, Segment, F>::Backend,
                                  typename detail::HybridParts<Token, Segment, F>::LossGradients> {
 public:
  using Value = typename Token::Value;
  using Backend = typename Token::Backend;
  using Context = typename Backend::Context;
  using Tensor = Matrix<Value, Backend>;
  using ConstView = View<const Value, Backend>;
  /// What routing and fusion are computed in.
  using Real = Accum<Value>;
  using ExpertType = typename Token::ExpertType;
  template <class Other>
  using rebind = HybridMoE<typename Token::template rebind<Other>, typename Segment::template rebind<Other>,
                           detail::Rebind<F, Other>>;

  static constexpr bool is_causal = Token::is_causal && Segment::is_causal;
  static constexpr bool is_batch_invariant = Token::is_batch_invariant && Segment::is_batch_invariant;
  /// Whether a pass may be given the choices of a record.
  static constexpr bool replays = Token::replays && Segment::replays;

  /// Whether both levels can run in one pass: nothing but weights is scaled, and both work on x's rows.
  static constexpr bool joins_levels = GateFusion<F> && Segment::feeds_rows && Token::only_experts;
  /// What errors call the layer.
  static constexpr std::string_view name = "HybridMoE";
  /// What reads x, in errors.
  static constexpr std::string_view reader = "the gates expect";

  /// Both levels' routing as one.
  using Routing = FusedRouting<typename Token::Routing, typename Segment::Routing, F>;
  /// What both levels observed; losses add.
  using Stats = HybridStats<typename Token::Stats, typename Segment::Stats>;
  /// What both levels keep between rows.
  using DecodingState = HybridDecodingState<typename Token::DecodingState, typename Segment::DecodingState>;
  /// Gradients of the auxiliary losses that the token level names.
  using LossGradients = typename Token::LossGradients;
  /// What backward consumes.
  using Saved = std::conditional_t<joins_levels, detail::MoeSaved<Routing, ExpertType, NoSharedExpert>,
                                   TwoPassesSaved<Token, Segment, F>>;

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
    require_consistent(name);
  }

  Index width() const { return token.width(); }

  /// Throws Error unless levels and fusion fit each other and each is consistent: what every public entry asks, since
  /// all of them may be assigned.
  void require_consistent(std::string_view where) const {
    require(token.width() == segment.width(), where, "the token level reads ", counted(token.width(), "columns"),
            ", the segment level ", segment.width());
    token.require_consistent(where);
    segment.require_consistent(where);
    if constexpr (joins_levels)
      require_trees(where, SameShape{}, token.bank.experts.front(), segment.bank.experts.front());
    require_settings(fusion, width());
  }
  /// Throws Error unless `saved` is of this layer, as far as shapes tell, and not consumed yet.
  void require_saved(std::string_view where, const Saved& saved) const {
    const Index rows = saved.x_TD.rows;
    bool fits = saved.x_TD.cols == width();
    if constexpr (joins_levels)
      fits = fits && parts().routing.keeps(saved.routing, rows) &&
             saved.experts.fits(rows, token.bank.count() + segment.bank.count(), token.bank.experts.front());
    else
      token.require_saved(where, saved.token);
    require(fits, where, "`saved` must be what forward of this layer returned, not consumed yet, got one of ", rows,
            " x ", saved.x_TD.cols, " rows");
  }
  /// Throws Error unless this layer began the state, for as many sequences as `whose` ("x has") has `what` ("rows").
  void require_state(std::string_view where, const DecodingState& state, Index count, std::string_view whose,
                     std::string_view what) const {
    token.require_state(where, state.token, count, whose, what);
    segment.require_state(where, state.segment, count, whose, what);
  }

  /// Learns what a training step observed outside gradients. Once for each micro-batch of a step that was taken.
  void update_buffers(const Context& context, const Stats& stats) {
    token.update_buffers(context, stats.token);
    segment.update_buffers(context, stats.segment);
  }

  HybridMoE empty_tree() const { return empty_tree_of<Value>(); }
  /// The same tree of other values.
  template <class Other>
  rebind<Other> empty_tree_of() const {
    rebind<Other> tree;
    tree.token = token.template empty_tree_of<Other>();
    tree.segment = segment.template empty_tree_of<Other>();
    tree.fusion = detail::empty_tree_of<Other>(fusion);
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

 private:
  using Base = MoeLayer<HybridMoE, Value, Backend, LossGradients>;
  friend Base;
  friend typename Base::Entries;

  static constexpr NoSharedExpert no_path{};
  /// Both levels as one layer, the token level's experts first.
  MoeParts<Routing, ExpertType, NoSharedExpert> parts() const requires joins_levels {
    return {{token.routing, segment.routing, fusion}, {token.bank.span(), segment.bank.span()}, no_path};
  }
  TwoPasses<Token, Segment, F> passes() const { return {token, segment, fusion}; }

  auto make_forward(const Context& context, ConstView x_TD, const Batch& batch) const {
    if constexpr (joins_levels)
      return Base::forward_of(parts(), context, x_TD, batch);
    else
      return passes().forward(context, x_TD, batch);
  }
  template <class GradientTree>
  Tensor make_backward(const Context& context, ConstView d_y_TD, const LossGradients& d_losses, Saved saved,
                       GradientTree& gradient) const {
    if constexpr (joins_levels) {
      using GradientParts =
          typename Routing::template Gradients<decltype(gradient.token.routing), decltype(gradient.segment.routing),
                                               decltype(gradient.fusion)>;
      GradientParts of_routing{gradient.token.routing, gradient.segment.routing, gradient.fusion};
      NoSharedExpert nothing;
      return Base::backward_of(parts(), context, d_y_TD, d_losses, std::move(saved),
                               ExpertSpan(gradient.token.bank.span(), gradient.segment.bank.span()), of_routing,
                               nothing);
    } else {
      return passes().backward(context, d_y_TD, d_losses, std::move(saved), gradient);
    }
  }
  Tensor make_inference(const Context& context, ConstView x_TD, const Batch& batch) const {
    if constexpr (joins_levels)
      return Base::inference_of(parts(), context, x_TD, batch);
    else
      return passes().infer(context, x_TD, batch).output;
  }
  DecodingState begin_state(const Context& context, Index sequences) const {
    return {token.begin_decoding(context, sequences), segment.begin_decoding(context, sequences)};
  }
  Tensor make_prefill(const Context& context, ConstView x_TD, const Batch& batch, DecodingState& state) const {
    if constexpr (joins_levels)
      return Base::prefill_of(parts(), context, x_TD, batch, state);
    else
      return passes().prefill(context, x_TD, batch, state);
  }
  Tensor make_next(const Context& context, ConstView x_BD, std::span<const std::int32_t> tokens_B,
                   DecodingState& state) const {
    if constexpr (joins_levels)
      return Base::next_of(parts(), context, x_BD, tokens_B, state);
    else
      return passes().next(context, x_BD, tokens_B, state);
  }
};

}  // namespace moe
