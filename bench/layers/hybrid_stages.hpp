/// HybridMoE with FixedFusion, call by call: the parts of both levels added up, and the fusion. A test holds it to the
/// layer's bits.
#pragma once

#include <utility>

#include "bench/layers/segment_stages.hpp"
#include "bench/layers/token_stages.hpp"
#include "moe/layers/hybrid_moe.hpp"
#include "moe/modules/fusion/fixed_fusion.hpp"

namespace moe_bench {

template <class Token, class Segment>
using FixedHybrid = moe::HybridMoE<Token, Segment, moe::FixedFusion>;

namespace detail {

inline Tensor fuse(const moe::FixedFusion& fusion, const Context& context, Tensor o_token_TD, Tensor o_segment_TD) {
  return fusion.forward<float, Cpu>(context, std::move(o_token_TD), std::move(o_segment_TD), ConstView()).first;
}

}  // namespace detail

template <class Token, class Segment>
auto staged_forward(const FixedHybrid<Token, Segment>& layer, const Context& context, ConstView x_TD,
                    const moe::Batch& batch, Stopwatch& watch) {
  auto [o_token_TD, token] = staged_forward(layer.token, context, x_TD, batch, watch);
  auto [o_segment_TD, segment] = staged_forward(layer.segment, context, x_TD, batch, watch);
  auto y_TD = detail::fuse(layer.fusion, context, std::move(o_token_TD), std::move(o_segment_TD));
  watch.lap(Part::fusion);
  typename FixedHybrid<Token, Segment>::Saved saved{{}, std::move(token), std::move(segment), {}};
  return std::pair(std::move(y_TD), std::move(saved));
}

template <class Token, class Segment>
Tensor staged_backward(const FixedHybrid<Token, Segment>& layer, const Context& context, ConstView d_y_TD,
                       moe::AuxiliaryGradient d_stats, typename FixedHybrid<Token, Segment>::Saved saved,
                       FixedHybrid<Token, Segment>& gradient, Stopwatch& watch) {
  auto d = layer.fusion.template backward<float, Cpu>(context, d_y_TD, {}, gradient.fusion);
  watch.lap(Part::fusion_back);
  const auto d_x_segment_TD = staged_backward(layer.segment, context, std::as_const(d.d_segment_TD).view(), d_stats,
                                              std::move(saved.segment), gradient.segment, watch);
  auto d_x_TD = staged_backward(layer.token, context, std::as_const(d.d_token_TD).view(), d_stats,
                                std::move(saved.token), gradient.token, watch);
  moe::add_to(context, d_x_segment_TD, d_x_TD.view());
  watch.lap(Part::fusion_back);
  return d_x_TD;
}

template <class Token, class Segment>
Tensor staged_infer(const FixedHybrid<Token, Segment>& layer, const Context& context, ConstView x_TD,
                    const moe::Batch& batch, Stopwatch& watch) {
  auto o_token_TD = staged_infer(layer.token, context, x_TD, batch, watch);
  auto o_segment_TD = staged_infer(layer.segment, context, x_TD, batch, watch);
  auto y_TD = detail::fuse(layer.fusion, context, std::move(o_token_TD), std::move(o_segment_TD));
  watch.lap(Part::fusion);
  return y_TD;
}

}  // namespace moe_bench
