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
#include "moe/core/phase.hpp"
#include "moe/core/plan.hpp"
#include "moe/fusion/fusion.hpp"
#include "moe/ops/route.hpp"

namespace moe {

/// What both levels observed; losses add.
template <class Token, class Segment>
struct HybridStats {
  /// The token level's.
  Token token;
  /// The segment level's.
  Segment segment;

  double balance_loss() const { return token.balance_loss() + segment.balance_loss(); }
  double z_loss() const { return token.z_loss() + segment.z_loss(); }
};

/// What both levels keep between rows.
template <class Token, class Segment>
struct HybridDecodingState {
  /// The token level's.
  Token token;
  /// The segment level's.
  Segment segment;

  /// Takes in the sequences of `more`, behind its own.
  template <class Context>
  void join(const Context& context, const HybridDecodingState& more) {
    token.join(context, more.token);
    segment.join(context, more.segment);
  }
  /// Only these sequences stay, in this order.
  template <class Context>
  void keep(const Context& context, ListView<Index> sequences) {
    token.keep(context, sequences);
    segment.keep(context, sequences);
  }
};

/// The gradients of the losses that a level names: those of both levels' where it names the same, otherwise none.
template <class Level>
auto losses_of(const auto& d_losses) {
  if constexpr (std::is_same_v<std::remove_cvref_t<decltype(d_losses)>, typename Level::LossGradients>)
    return d_losses;
  else
    return typename Level::LossGradients{};
}

/// Both levels' routing as one: their routes side by side, the token level's experts first, each pair's weight
/// multiplied by what the fusion gives its level in that row (eq. 6). Looks at a layer's parts.
template <class Token, class Segment, class F>
struct FusedRouting {
  using Value = typename Token::Value;
  using Backend = typename Token::Backend;
  /// What routing is computed and kept in.
  using Real = typename Token::Real;
  using Context = typename Backend::Context;
  using Tensor = Matrix<Value, Backend>;
  using ConstView = View<const Value, Backend>;
  /// A matrix of what routing is computed in.
  using RealTensor = Matrix<Real, Backend>;
  using Stats = HybridStats<typename Token::Stats, typename Segment::Stats>;
  using DecodingState = HybridDecodingState<typename Token::DecodingState, typename Segment::DecodingState>;

  /// Experts read x's rows, and answer them.
  static constexpr bool feeds_rows = true;

  /// What make_stats and backward need of a route.
  struct Saved {
    /// The token level's.
    typename Token::Saved token;
    /// The segment level's.
    typename Segment::Saved segment;
    /// The token level's own weights of its pairs.
    RealTensor token_weights_1N;
    /// The segment level's.
    RealTensor segment_weights_1N;
    /// Each row's sum of segment weights.
    RealTensor mass_1T;
    /// The two numbers a row that its levels are scaled by.
    RealTensor scale_T2;
  };
  /// A route and what is kept of it.
  struct RoutingResult {
    /// It has arrived.
    Route<Real, Backend> route;
    /// What make_stats and backward need.
    Saved saved;
  };
  /// Where backward adds.
  template <class TokenGradient, class SegmentGradient, class FusionGradient>
  struct Gradients {
    /// Of the token level's routing.
    TokenGradient& token;
    /// Of the segment level's.
    SegmentGradient& segment;
    /// Of the fusion.
    FusionGradient& fusion;
  };

  /// The token level.
  const Token& token;
  /// The segment level.
  const Segment& segment;
  /// Joins them.
  const F& fusion;

  /// Whether `saved` is of so many rows: it is not once it was consumed.
  bool keeps(const Saved& saved, Index rows) const {
    return token.keeps(saved.token, rows) && segment.keeps(saved.segment, rows);
  }

  /// What experts read.
  static ConstView fed(ConstView x_TD, const Saved&) { return x_TD; }
  /// As they answer.
  static Tensor outputs_of_rows(const Context&, Tensor y_TD, const Saved&) { return y_TD; }

  /// Both routes, fused.
  template <class Mode>
  RoutingResult route(const Context& context, ConstView x_TD, const Batch& batch) const {
    // Both are on their way before the host waits for either.
    auto by_token = token.template route<Mode>(context, x_TD, batch);
    auto by_segment = segment.template route<Mode>(context, x_TD, batch);
    return fused(context, std::move(by_token), std::move(by_segment));
  }
  /// The losses and loads of both; offsets[e+1] - offsets[e]: rows expert e works on.
  Stats make_stats(const Context& context, Saved& saved, ListView<Index> offsets) const {
    const Index of_token = token.experts();
    auto by_token = token.make_stats(context, saved.token, {offsets.data, of_token + 1});
    return {std::move(by_token),
            segment.make_stats(context, saved.segment, {offsets.data + of_token, segment.experts() + 1})};
  }
  /// d_weights_1N of the fused route -> through fusion and both levels, added to d_x_TD.
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

  /// States in which every sequence is at its first row.
  DecodingState begin_decoding(const Context& context, Index sequences) const {
    return {token.begin_decoding(context, sequences), segment.begin_decoding(context, sequences)};
  }
  /// Both routes of one more row of each sequence.
  RoutingResult decode(const Context& context, ConstView x_BD, std::span<const std::int32_t> tokens_B,
                       DecodingState& state) const {
    auto by_token = token.decode(context, x_BD, tokens_B, state.token);
    auto by_segment = segment.decode(context, x_BD, tokens_B, state.segment);
    return fused(context, std::move(by_token), std::move(by_segment));
  }
  /// The rows were answered.
  void advance(const Context& context, ConstView x_BD, std::span<const std::int32_t> tokens_B,
               DecodingState& state) const {
    token.advance(context, x_BD, tokens_B, state.token);
    segment.advance(context, x_BD, tokens_B, state.segment);
  }
  /// The states after a batch that was routed.
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
