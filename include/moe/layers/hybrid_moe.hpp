#pragma once

#include <span>
#include <string>
#include <utility>

#include "moe/concepts/fusion.hpp"
#include "moe/core/batch.hpp"
#include "moe/core/forward.hpp"
#include "moe/core/matrix.hpp"
#include "moe/core/require.hpp"
#include "moe/ops/add.hpp"

namespace moe {

/// y = fusion(token level, segment level) over the same x (eq. 6): composition only.
///
/// Weights: token.*, segment.*, and the fusion's.
template <class Token, class Segment, class F>
class HybridMoE {
  static_assert(Fusion<F>, "HybridMoE: 3rd argument must be a Fusion such as FixedFusion");

 public:
  using Value = typename Token::Value;
  using Backend = typename Token::Backend;
  using Context = typename Backend::Context;
  using Tensor = Matrix<Value, Backend>;
  using ConstView = View<const Value, Backend>;
  using ExpertType = typename Token::ExpertType;
  template <class Other>
  using rebind = HybridMoE<typename Token::template rebind<Other>, typename Segment::template rebind<Other>, F>;

  static constexpr bool is_causal = Token::is_causal && Segment::is_causal;
  static constexpr bool is_batch_independent = Token::is_batch_independent && Segment::is_batch_independent;

  struct Stats {
    typename Token::Stats token;
    typename Segment::Stats segment;

    double balance_loss() const { return token.balance_loss() + segment.balance_loss(); }
  };
  struct Saved {
    Tensor x_owned;
    typename Token::Saved token;
    typename Segment::Saved segment;
    typename F::template Saved<Value, Backend> fusion;
  };
  struct DecodingState {
    typename Token::DecodingState token;
    typename Segment::DecodingState segment;
  };

  Token token;
  Segment segment;
  F fusion;

  HybridMoE() = default;
  /// Throws Error when the two levels read rows of different widths.
  HybridMoE(Token token_, Segment segment_, F fusion_)
      : token(std::move(token_)), segment(std::move(segment_)), fusion(std::move(fusion_)) {
    require(token.width() == segment.width(), "HybridMoE", "the token level reads ", token.width(),
            " columns, the segment level ", segment.width());
  }

  Index width() const { return token.width(); }

  /// x_TD -> y_TD. The view's memory must outlive `saved`. Throws Error when x's columns or the batch's rows do not
  /// fit.
  Forward<Tensor, Saved, Stats> forward(const Context& context, ConstView x_TD, const Batch& batch) const {
    check("HybridMoE::forward", x_TD, batch);
    auto [o_token_TD, token_saved, token_stats] = token.forward(context, x_TD, batch);
    auto [o_segment_TD, segment_saved, segment_stats] = segment.forward(context, x_TD, batch);
    auto [y_TD, fusion_saved] = fuse(context, std::move(o_token_TD), std::move(o_segment_TD), segment_saved.gates_TE);
    return {std::move(y_TD),
            {{}, std::move(token_saved), std::move(segment_saved), std::move(fusion_saved)},
            {std::move(token_stats), std::move(segment_stats)}};
  }
  /// The same for a matrix that `saved` is to keep.
  Forward<Tensor, Saved, Stats> forward(const Context& context, Tensor&& x_TD, const Batch& batch) const {
    auto result = forward(context, std::as_const(x_TD).view(), batch);
    result.saved.x_owned = std::move(x_TD);
    return result;
  }

  /// d_y_TD -> d_x_TD; adds into `gradient`, skipping its empty tensors.
  Tensor backward(const Context& context, ConstView d_y_TD, AuxiliaryGradient d_stats, Saved saved,
                  HybridMoE& gradient) const {
    const ConstView x_TD = saved.token.x_TD;
    require(d_y_TD.rows == x_TD.rows && d_y_TD.cols == x_TD.cols, "HybridMoE::backward", "d_y is ", d_y_TD.rows, " x ",
            d_y_TD.cols, ", x was ", x_TD.rows, " x ", x_TD.cols);
    auto d = fusion.template backward<Value, Backend>(context, d_y_TD, std::move(saved.fusion), gradient.fusion);
    const auto d_x_segment_TD =
        segment.backward(context, d.d_segment_TD, d_stats, std::move(saved.segment), gradient.segment, d.d_mass_1T);
    auto d_x_TD = token.backward(context, d.d_token_TD, d_stats, std::move(saved.token), gradient.token);
    add_to(context, d_x_segment_TD, d_x_TD.view());
    return d_x_TD;
  }

  /// forward with the inference routers and nothing kept.
  Tensor infer(const Context& context, ConstView x_TD, const Batch& batch) const {
    check("HybridMoE::infer", x_TD, batch);
    auto o_token_TD = token.infer(context, x_TD, batch);
    auto [o_segment_TD, gates_TE] = segment.infer_with_gates(context, x_TD, batch);
    return fuse(context, std::move(o_token_TD), std::move(o_segment_TD), gates_TE).first;
  }

  DecodingState begin_decoding(const Context& context, Index sequences) const requires(is_causal) {
    return {token.begin_decoding(context, sequences), segment.begin_decoding(context, sequences)};
  }
  /// One more row of each sequence.
  Tensor decode(const Context& context, ConstView x_BD, std::span<const std::int32_t> tokens_B,
                DecodingState& state) const requires(is_causal) {
    auto o_token_BD = token.decode(context, x_BD, tokens_B, state.token);
    auto o_segment_BD = segment.decode(context, x_BD, tokens_B, state.segment);
    return fuse(context, std::move(o_token_BD), std::move(o_segment_BD), state.segment.gates_BE).first;
  }

  /// Learns what a training step observed outside gradients. Once for each micro-batch of a step that was taken.
  void absorb(const Context& context, const Stats& stats) {
    token.absorb(context, stats.token);
    segment.absorb(context, stats.segment);
  }

  HybridMoE structure() const {
    HybridMoE tree;
    tree.token = token.structure();
    tree.segment = segment.structure();
    tree.fusion = fusion.structure();
    return tree;
  }
  template <class Visit, class... Trees>
  static void visit_parameters(Visit&& visit, const std::string& prefix, Trees&&... trees) {
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
  void check(std::string_view where, ConstView x_TD, const Batch& batch) const {
    require(x_TD.cols == width(), where, "x has ", x_TD.cols, " columns, the gates expect ", width());
    require_batch(batch, x_TD.rows, where);
  }
  auto fuse(const Context& context, Tensor o_token_TD, Tensor o_segment_TD, const Tensor& gates_TE) const {
    Tensor mass_1T;
    if constexpr (F::needs_mass) {
      mass_1T = Tensor::uninitialized(context, 1, gates_TE.rows());
      Backend::for_each(context, gates_TE.rows(),
                        [gates = gates_TE.view(), mass = mass_1T.view()] MOE_HOST_DEVICE(Index t) {
                          Value sum = 0;
                          for (Index e = 0; e < gates.cols; ++e) sum += gates(t, e);
                          mass(0, t) = sum;
                        });
    }
    return fusion.template forward<Value, Backend>(context, std::move(o_token_TD), std::move(o_segment_TD),
                                                   std::as_const(mass_1T).view());
  }
};

}  // namespace moe
