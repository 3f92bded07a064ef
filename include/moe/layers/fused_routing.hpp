#pragma once

#include <span>
#include <type_traits>
#include <utility>

#include "moe/core/batch.hpp"
#include "moe/core/bfloat16.hpp"
#include "moe/core/forward.hpp"
#include "moe/core/list_view.hpp"
#include "moe/core/matrix.hpp"
#include "moe/core/mode.hpp"
#include "moe/core/observed.hpp"
#include "moe/core/phase.hpp"
#include "moe/core/plan.hpp"
#include "moe/fusion/fusion.hpp"
#include "moe/ops/route.hpp"

namespace moe {

/// Statistics of both levels; the auxiliary losses are summed.
template <class Token, class Segment>
struct HybridStats {
  /// Statistics of the token level.
  Token token;
  /// Statistics of the segment level.
  Segment segment;

  /// Visits what update_buffers reads (core/observed.hpp).
  template <class Visit, class Self>
  static void visit_observed(const Visit& visit, Self& stats) {
    if constexpr (HasObserved<Token>) Token::visit_observed(visit, stats.token);
    if constexpr (HasObserved<Segment>) Segment::visit_observed(visit, stats.segment);
  }
  double balance_loss() const { return token.balance_loss() + segment.balance_loss(); }
  double z_loss() const { return token.z_loss() + segment.z_loss(); }
};

/// Decoding state of both levels.
template <class Token, class Segment>
struct HybridDecodingState {
  /// State of the token level.
  Token token;
  /// State of the segment level.
  Segment segment;

  /// Appends the sequences of `more`.
  template <class Context>
  void join(const Context& context, const HybridDecodingState& more) {
    token.join(context, more.token);
    segment.join(context, more.segment);
  }
  /// Keeps only these sequences, in this order.
  template <class Context>
  void keep(const Context& context, ListView<Index> sequences) {
    token.keep(context, sequences);
    segment.keep(context, sequences);
  }
};

/// Gradients of a level's auxiliary losses: `d_losses` if the level has this type of LossGradients, otherwise zeros.
template <class Level>
auto losses_of(const auto& d_losses) {
  if constexpr (std::is_same_v<std::remove_cvref_t<decltype(d_losses)>, typename Level::LossGradients>)
    return d_losses;
  else
    return typename Level::LossGradients{};
}

/// The routing of both levels as one: the two routes are concatenated, the token level's experts first, and each pair's
/// routing weight is multiplied by the fusion's scale of its level in that row (eq. 6). Holds references to the layer's
/// members.
template <class Token, class Segment, class F>
struct FusedRouting {
  using Value = typename Token::Value;
  using Backend = typename Token::Backend;
  /// Type that routing is computed and stored in.
  using Real = typename Token::Real;
  using Context = typename Backend::Context;
  using Tensor = Matrix<Value, Backend>;
  using ConstView = View<const Value, Backend>;
  /// Matrix of Real.
  using RealTensor = Matrix<Real, Backend>;
  using Stats = HybridStats<typename Token::Stats, typename Segment::Stats>;
  using DecodingState = HybridDecodingState<typename Token::DecodingState, typename Segment::DecodingState>;

  /// Experts process the rows of x, not pooled segments.
  static constexpr bool experts_read_rows = true;

  /// Tensors saved for make_stats and backward.
  struct Saved {
    /// Saved by the token level's routing.
    typename Token::Saved token;
    /// Saved by the segment level's routing.
    typename Segment::Saved segment;
    /// Unscaled routing weights of the token level's pairs.
    RealTensor token_weights_1N;
    /// Unscaled routing weights of the segment level's pairs.
    RealTensor segment_weights_1N;
    /// Sum of each row's segment-level weights.
    RealTensor mass_1T;
    /// Scales of the token and the segment level in each row.
    RealTensor scale_T2;
  };
  /// The fused route and the tensors saved for make_stats and backward.
  struct RoutingResult {
    /// The fused route. Its number of pairs is known; loads may still be pending.
    Route<Real, Backend> route;
    /// Tensors saved for make_stats and backward.
    Saved saved;
  };
  /// Gradient trees that backward adds to.
  template <class TokenGradient, class SegmentGradient, class FusionGradient>
  struct Gradients {
    /// Gradient of the token level's routing.
    TokenGradient& token;
    /// Gradient of the segment level's routing.
    SegmentGradient& segment;
    /// Gradient of the fusion.
    FusionGradient& fusion;
  };

  /// Routing of the token level.
  const Token& token;
  /// Routing of the segment level.
  const Segment& segment;
  /// Fusion of the two levels.
  const F& fusion;

  /// Whether `saved` belongs to `rows` rows and has not been consumed.
  bool keeps(const Saved& saved, Index rows) const {
    return token.keeps(saved.token, rows) && segment.keeps(saved.segment, rows);
  }

  /// Input rows of the experts.
  static ConstView fed(ConstView x_TD, const Saved&) { return x_TD; }
  /// Returns the experts' outputs unchanged.
  static Tensor outputs_of_rows(const Context&, Tensor y_TD, const Saved&) { return y_TD; }

  /// Routes both levels and fuses the two routes.
  template <class Mode>
  RoutingResult route(const Context& context, ConstView x_TD, const Batch& batch) const {
    // Both levels are enqueued before the host waits for either one's counts.
    auto by_token = token.template route<Mode>(context, x_TD, batch);
    auto by_segment = segment.template route<Mode>(context, x_TD, batch);
    return fused(context, std::move(by_token), std::move(by_segment));
  }
  /// Auxiliary losses and loads of both levels; the load of expert e is offsets[e+1] - offsets[e] rows.
  Stats make_stats(const Context& context, Saved& saved, ListView<Index> offsets) const {
    const Index of_token = token.experts();
    auto by_token = token.make_stats(context, saved.token, {offsets.data, of_token + 1});
    return {std::move(by_token),
            segment.make_stats(context, saved.segment, {offsets.data + of_token, segment.experts() + 1})};
  }
  /// Backpropagates d_weights_1N of the fused route through the fusion and both levels; adds to `gradients` and d_x_TD.
  void backward(const Context& context, const Plan<Backend>& plan, View<const Real, Backend> d_weights_1N,
                const auto& d_losses, const Saved& saved, ConstView x_TD, auto& gradients,
                View<Value, Backend> d_x_TD) const {
    const PhaseScope scope(context, Phase::fusion);
    const auto by_token = plan.part(0, token.experts()), by_segment = plan.part(token.experts(), segment.experts());
    const auto scale_T2 = saved.scale_T2.view();
    auto d =
        fused_weights_backward<Real, Backend>(context, d_weights_1N, plan, by_token.pairs(),
                                              saved.token_weights_1N.view(), saved.segment_weights_1N.view(), scale_T2);
    const auto d_mass_1T = fusion.template scales_backward<Real, Backend>(context, saved.mass_1T.view(), scale_T2,
                                                                          d.d_scale_T2.const_view(), gradients.fusion);
    add_to_weights_of_rows<Real, Backend>(context, d_mass_1T.view(), by_segment, d.d_b_1N.view());
    segment.backward(context, by_segment, d.d_b_1N.view(), losses_of<Segment>(d_losses), saved.segment, x_TD,
                     gradients.segment, d_x_TD);
    token.backward(context, by_token, d.d_a_1N.view(), d_losses, saved.token, x_TD, gradients.token, d_x_TD);
  }

  /// Decoding states of `sequences` sequences, each before its first row.
  DecodingState begin_decoding(const Context& context, Index sequences) const {
    return {token.begin_decoding(context, sequences), segment.begin_decoding(context, sequences)};
  }
  /// Routes the next row of each sequence on both levels and fuses the two routes.
  RoutingResult decode(const Context& context, ConstView x_BD, std::span<const std::int32_t> tokens_B,
                       DecodingState& state) const {
    auto by_token = token.decode(context, x_BD, tokens_B, state.token);
    auto by_segment = segment.decode(context, x_BD, tokens_B, state.segment);
    return fused(context, std::move(by_token), std::move(by_segment));
  }
  /// Advances both states by one row per sequence, after the layer's output has been computed.
  void advance(const Context& context, ConstView x_BD, std::span<const std::int32_t> tokens_B,
               DecodingState& state) const {
    token.advance(context, x_BD, tokens_B, state.token);
    segment.advance(context, x_BD, tokens_B, state.segment);
  }
  /// Updates both states with a batch that has been routed.
  void read(const Context& context, ConstView x_TD, const Batch& batch, const Saved& saved,
            DecodingState& state) const {
    token.read(context, x_TD, batch, saved.token, state.token);
    segment.read(context, x_TD, batch, saved.segment, state.segment);
  }

 private:
  template <class ByToken, class BySegment>
  RoutingResult fused(const Context& context, ByToken by_token, BySegment by_segment) const {
    const PhaseScope scope(context, Phase::fusion);
    auto a = arrived<Real, Backend>(context, std::move(by_token.route));
    auto b = arrived<Real, Backend>(context, std::move(by_segment.route));
    RoutingResult result{{}, {std::move(by_token.saved), std::move(by_segment.saved), {}, {}, {}, {}}};
    Saved& saved = result.saved;
    saved.mass_1T = mass_of_route<Real, Backend>(context, b);
    saved.scale_T2 = fusion.template scales<Real, Backend>(context, saved.mass_1T.const_view());
    result.route.weights_1N = fused_weights<Real, Backend>(context, a, b, saved.scale_T2.const_view());
    result.route.plan = in_phase(context, Phase::dispatch,
                                 [&] { return concatenated<Backend>(context, std::move(a.plan), std::move(b.plan)); });
    saved.token_weights_1N = std::move(a.weights_1N);
    saved.segment_weights_1N = std::move(b.weights_1N);
    return result;
  }
};

}  // namespace moe
