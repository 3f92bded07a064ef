#pragma once

#include <span>
#include <tuple>
#include <utility>

#include "moe/core/batch.hpp"
#include "moe/core/bfloat16.hpp"
#include "moe/core/forward.hpp"
#include "moe/core/matrix.hpp"
#include "moe/core/phase.hpp"
#include "moe/fusion/fusion.hpp"
#include "moe/layers/fused_routing.hpp"
#include "moe/ops/add.hpp"
#include "moe/ops/scale.hpp"

namespace moe {

namespace detail {

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

/// Tensors that TwoPasses::backward consumes.
template <class Token, class Segment, class F>
struct TwoPassesSaved {
  using Tensor = typename Token::Tensor;
  /// Matrix of the type that routing is computed in.
  using RealTensor = Matrix<typename Token::Real, typename Token::Backend>;

  /// x, if forward took ownership of it.
  Tensor x_owned;
  /// View of x.
  typename Token::ConstView x_TD;
  /// Saved by the token level.
  typename Token::Saved token;
  /// Saved by the segment level.
  typename Segment::Saved segment;
  /// Saved by an output fusion.
  typename detail::SavedOfFusion<F>::type fusion;
  /// Sum of each row's segment-level weights, for a gate fusion.
  RealTensor mass_1T;
  /// Scales of the token and the segment level in each row, for a gate fusion.
  RealTensor scale_T2;
  /// Outputs of the levels, for a gate fusion.
  Tensor o_token_TD, o_segment_TD;
};

/// Runs two levels, each in a pass of its own, and fuses their outputs (eq. 6). Holds references to the layer's
/// members.
template <class Token, class Segment, class F>
struct TwoPasses {
  using Value = typename Token::Value;
  using Backend = typename Token::Backend;
  using Context = typename Backend::Context;
  using Tensor = Matrix<Value, Backend>;
  using ConstView = View<const Value, Backend>;
  /// Type that routing and fusion are computed in.
  using Real = Accum<Value>;
  /// Matrix of Real.
  using RealTensor = Matrix<Real, Backend>;
  /// Tensors that backward consumes.
  using Saved = TwoPassesSaved<Token, Segment, F>;
  using Stats = HybridStats<typename Token::Stats, typename Segment::Stats>;
  using DecodingState = HybridDecodingState<typename Token::DecodingState, typename Segment::DecodingState>;

  /// The token level.
  const Token& token;
  /// The segment level.
  const Segment& segment;
  /// Fusion of the two levels.
  const F& fusion;

  /// x_TD -> y_TD through both levels.
  Forward<Tensor, Saved, Stats> forward(const Context& context, ConstView x_TD, const Batch& batch) const {
    const PhaseScope scope(context, Phase::fusion);
    auto token_begun = token.begin_forward(context, x_TD, batch);
    auto segment_begun = segment.begin_forward(context, x_TD, batch);
    // The loads of the second level arrive last: after the wait for them there is none for those of the first.
    auto by_segment = segment.finish_forward(context, x_TD, std::move(segment_begun));
    auto by_token = token.finish_forward(context, x_TD, std::move(token_begun));
    Saved saved{{}, x_TD, std::move(by_token.saved), std::move(by_segment.saved), {}, {}, {}, {}, {}};
    Tensor y_TD;
    if constexpr (GateFusion<F>) {
      saved.mass_1T = segment.mass_of_rows(context, saved.segment);
      saved.scale_T2 = fusion.template scales<Real, Backend>(context, saved.mass_1T.const_view());
      saved.o_token_TD = std::move(by_token.output);
      saved.o_segment_TD = std::move(by_segment.output);
      y_TD = scaled_sum<Value, Backend>(context, saved.o_token_TD.const_view(), saved.o_segment_TD.const_view(),
                                        saved.scale_T2.const_view());
    } else {
      std::tie(y_TD, saved.fusion) = fusion.forward(context, std::move(by_token.output), std::move(by_segment.output));
    }
    return {std::move(y_TD), std::move(saved), {std::move(by_token.stats), std::move(by_segment.stats)}};
  }

  /// d_y_TD -> d_x_TD; adds into `gradient`.
  template <class GradientTree>
  Tensor backward(const Context& context, ConstView d_y_TD, const typename Token::LossGradients& d_losses, Saved saved,
                  GradientTree& gradient) const {
    const PhaseScope scope(context, Phase::fusion);
    Tensor d_token_TD, d_segment_TD;
    RealTensor d_mass_1T;
    if constexpr (GateFusion<F>) {
      d_token_TD = std::move(saved.o_token_TD);
      d_segment_TD = std::move(saved.o_segment_TD);
      const auto scale_T2 = saved.scale_T2.const_view();
      const auto d_scale_T2 =
          scaled_sum_backward<Value, Backend>(context, d_y_TD, d_token_TD.view(), d_segment_TD.view(), scale_T2);
      d_mass_1T = fusion.template scales_backward<Real, Backend>(context, saved.mass_1T.const_view(), scale_T2,
                                                                 d_scale_T2.view(), gradient.fusion);
    } else {
      auto d = fusion.backward(context, d_y_TD, std::move(saved.fusion), gradient.fusion);
      d_token_TD = std::move(d.d_token_TD);
      d_segment_TD = std::move(d.d_segment_TD);
    }
    const auto d_x_segment_TD =
        segment.backward_with_mass(context, d_segment_TD.const_view(), losses_of<Segment>(d_losses),
                                   std::move(saved.segment), gradient.segment, d_mass_1T.const_view());
    auto d_x_TD = token.backward(context, d_token_TD, d_losses, std::move(saved.token), gradient.token);
    add_to(context, d_x_segment_TD, d_x_TD.view());
    return d_x_TD;
  }

  /// Inference output, and the segment level's routing data for its decoding state.
  typename Segment::Answer infer(const Context& context, ConstView x_TD, const Batch& batch) const {
    auto o_token_TD = token.infer(context, x_TD, batch);
    auto by_segment = segment.infer_with_mass(context, x_TD, batch);
    by_segment.output = fused(context, std::move(o_token_TD), by_segment);
    return by_segment;
  }
  /// infer over the first rows of every sequence; updates the decoding states with them.
  Tensor prefill(const Context& context, ConstView x_TD, const Batch& batch, DecodingState& state) const {
    auto o_token_TD = token.prefill(context, x_TD, batch, state.token);
    auto by_segment = segment.infer_with_mass(context, x_TD, batch);
    auto y_TD = fused(context, std::move(o_token_TD), by_segment);
    segment.routing.read(context, x_TD, batch, by_segment.routing, state.segment);
    return y_TD;
  }
  /// Decodes the next row of each sequence.
  Tensor next(const Context& context, ConstView x_BD, std::span<const std::int32_t> tokens_B,
              DecodingState& state) const {
    auto o_token_BD = token.decode(context, x_BD, tokens_B, state.token);
    auto by_segment = segment.next_with_mass(context, x_BD, tokens_B, state.segment);
    auto y_BD = fused(context, std::move(o_token_BD), by_segment);
    segment.routing.advance(context, x_BD, tokens_B, state.segment);
    return y_BD;
  }

 private:
  Tensor fused(const Context& context, Tensor o_token_TD, typename Segment::Answer& by_segment) const {
    const PhaseScope scope(context, Phase::fusion);
    if constexpr (GateFusion<F>) {
      const auto scale_T2 = fusion.template scales<Real, Backend>(context, by_segment.mass_1T.const_view());
      return scaled_sum<Value, Backend>(context, o_token_TD.const_view(), by_segment.output.const_view(),
                                        scale_T2.view());
    } else {
      return fusion.forward(context, std::move(o_token_TD), std::move(by_segment.output)).first;
    }
  }
};

}  // namespace moe
