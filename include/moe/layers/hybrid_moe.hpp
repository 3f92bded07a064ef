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

/// Checks HybridMoE's template arguments and names the types that both levels share.
template <class Token, class Segment, class F>
struct HybridParts {
  static_assert(Level<Token>, "HybridMoE: 1st argument must be a layer of routed experts such as TokenMoE");
  static_assert(SegmentLevel<Segment>,
                "HybridMoE: 2nd argument must be a layer that has infer_with_mass(), such as SegmentMoE");
  static_assert(Fusion<F>, "HybridMoE: 3rd argument must be a Fusion such as FixedFusion");
  static_assert(std::same_as<typename Token::Backend, typename Segment::Backend>,
                "HybridMoE: both levels must have the same backend");
  static_assert(std::same_as<typename Token::Value, typename Segment::Value>,
                "HybridMoE: both levels must have the same value type");
  using Value = typename Token::Value;
  using Backend = typename Token::Backend;
  using LossGradients = typename Token::LossGradients;
};

}  // namespace detail

/// y = fusion(token level, segment level) over the same x (eq. 6). If the fusion only scales routing weights, the
/// routes of both levels are concatenated (layers/fused_routing.hpp): one dispatch, one pass over all experts, one
/// combine. A fusion that mixes outputs, segment experts with pooled input, or a shared expert in the token level
/// requires one pass per level (layers/two_passes.hpp).
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
  /// Type that routing and fusion are computed in.
  using Real = Accum<Value>;
  using ExpertType = typename Token::ExpertType;
  template <class Other>
  using rebind = HybridMoE<typename Token::template rebind<Other>, typename Segment::template rebind<Other>,
                           detail::Rebind<F, Other>>;

  static constexpr bool is_causal = Token::is_causal && Segment::is_causal;
  static constexpr bool is_batch_invariant = Token::is_batch_invariant && Segment::is_batch_invariant;
  /// Whether a pass can replay recorded choices (Context::replay).
  static constexpr bool replays = Token::replays && Segment::replays;

  /// Whether both levels run in one pass: the fusion only scales routing weights, the segment level's experts process
  /// the rows of x, and the token level has no shared expert.
  static constexpr bool runs_in_one_pass = GateFusion<F> && Segment::experts_read_rows && Token::only_experts;
  /// Name in error messages.
  static constexpr std::string_view name = "HybridMoE";
  /// Clause of the error for x with a wrong number of columns: "x has 3 columns, the gates expect 4".
  static constexpr std::string_view reader = "the gates expect";

  /// Routing of both levels as one.
  using Routing = FusedRouting<typename Token::Routing, typename Segment::Routing, F>;
  /// Statistics of both levels; the auxiliary losses are summed.
  using Stats = HybridStats<typename Token::Stats, typename Segment::Stats>;
  /// Decoding state of both levels.
  using DecodingState = HybridDecodingState<typename Token::DecodingState, typename Segment::DecodingState>;
  /// Gradients of the token level's auxiliary losses.
  using LossGradients = typename Token::LossGradients;
  /// Tensors that backward consumes.
  using Saved = std::conditional_t<runs_in_one_pass, detail::MoeSaved<Routing, ExpertType, NoSharedExpert>,
                                   TwoPassesSaved<Token, Segment, F>>;

  /// Token level, which routes rows.
  Token token;
  /// Segment level, which routes segments.
  Segment segment;
  /// Combines the outputs of the two levels (eq. 6).
  F fusion;

  HybridMoE() = default;
  /// Throws Error if the two levels have different widths or the fusion does not match them.
  HybridMoE(Token token_, Segment segment_, F fusion_)
      : token(std::move(token_)), segment(std::move(segment_)), fusion(std::move(fusion_)) {
    require_consistent(name);
  }

  Index width() const { return token.width(); }
  /// Calls visit(bank) for the layer's banks of experts, the token level's first.
  template <class Visit, class Layer>
  static void visit_banks(const Visit& visit, Layer& layer) {
    Token::visit_banks(visit, layer.token);
    Segment::visit_banks(visit, layer.segment);
  }

  /// Throws Error unless levels and fusion match each other and each is consistent. Every public entry calls this,
  /// since all three members are assignable.
  void require_consistent(std::string_view where) const {
    require(token.width() == segment.width(), where, "the token level reads ", counted(token.width(), "columns"),
            ", the segment level ", segment.width());
    token.require_consistent(where);
    segment.require_consistent(where);
    if constexpr (runs_in_one_pass) {
      const auto *of_token = token.bank.first_here(), *of_segment = segment.bank.first_here();
      if (of_token != nullptr && of_segment != nullptr) require_trees(where, SameShape{}, *of_token, *of_segment);
    }
    require_settings(fusion, width());
  }
  /// Throws Error unless the shapes of `saved` match this layer and it has not been consumed.
  void require_saved(std::string_view where, const Saved& saved) const {
    const Index rows = saved.x_TD.rows;
    bool fits = saved.x_TD.cols == width();
    if constexpr (runs_in_one_pass)
      fits = fits && parts().routing.keeps(saved.routing, rows) && saved.experts.fits(rows, both_banks());
    else
      token.require_saved(where, saved.token);
    require(fits, where, "`saved` must be what forward of this layer returned, not consumed yet, got one of ", rows,
            " x ", saved.x_TD.cols, " rows");
  }
  /// Throws Error unless the state comes from this layer's begin_decoding and has `count` sequences. `whose` ("x has")
  /// and `what` ("rows") name the source of `count` in the message.
  void require_state(std::string_view where, const DecodingState& state, Index count, std::string_view whose,
                     std::string_view what) const {
    token.require_state(where, state.token, count, whose, what);
    segment.require_state(where, state.segment, count, whose, what);
  }

  /// Updates the buffers from the statistics of one forward pass. Call it for each micro-batch after the optimizer
  /// step; a bias then moves once per micro-batch.
  void update_buffers(const Context& context, const Stats& stats) {
    token.update_buffers(context, stats.token);
    segment.update_buffers(context, stats.segment);
  }

  HybridMoE empty_tree() const { return empty_tree_of<Value>(); }
  /// The same tree with values of type Other, every tensor empty.
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
  /// Both levels as the parts of one layer, the token level's experts first.
  MoeParts<Routing, ExpertType, NoSharedExpert> parts() const requires runs_in_one_pass {
    return {{token.routing, segment.routing, fusion}, both_banks(), no_path};
  }
  ExpertSpan<const ExpertType> both_banks() const requires runs_in_one_pass {
    return {token.bank.experts, token.bank.place, segment.bank.experts, &segment.bank.place};
  }
  TwoPasses<Token, Segment, F> passes() const { return {token, segment, fusion}; }

  auto make_forward(const Context& context, ConstView x_TD, const Batch& batch) const {
    if constexpr (runs_in_one_pass)
      return Base::forward_of(parts(), context, x_TD, batch);
    else
      return passes().forward(context, x_TD, batch);
  }
  template <class GradientTree>
  Tensor make_backward(const Context& context, ConstView d_y_TD, const LossGradients& d_losses, Saved saved,
                       GradientTree& gradient) const {
    if constexpr (runs_in_one_pass) {
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
    if constexpr (runs_in_one_pass)
      return Base::inference_of(parts(), context, x_TD, batch);
    else
      return passes().infer(context, x_TD, batch).output;
  }
  DecodingState begin_state(const Context& context, Index sequences) const {
    return {token.begin_decoding(context, sequences), segment.begin_decoding(context, sequences)};
  }
  Tensor make_prefill(const Context& context, ConstView x_TD, const Batch& batch, DecodingState& state) const {
    if constexpr (runs_in_one_pass)
      return Base::prefill_of(parts(), context, x_TD, batch, state);
    else
      return passes().prefill(context, x_TD, batch, state);
  }
  Tensor make_decode(const Context& context, ConstView x_BD, std::span<const std::int32_t> tokens_B,
                     DecodingState& state) const {
    if constexpr (runs_in_one_pass)
      return Base::next_of(parts(), context, x_BD, tokens_B, state);
    else
      return passes().next(context, x_BD, tokens_B, state);
  }
};

}  // namespace moe
