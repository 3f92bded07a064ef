/// ops/mix.hpp and its backward, call by call, with the time of each. A test holds them to the library's bits.
#pragma once

#include <tuple>
#include <utility>

#include "bench/data.hpp"
#include "bench/stopwatch.hpp"
#include "moe/modules/swiglu.hpp"
#include "moe/ops/mix.hpp"

namespace moe_bench {

using Expert = moe::SwiGlu<float, Cpu>;

inline std::pair<Tensor, moe::MixSaved<Expert>> staged_mix(const Context& context,
                                                           moe::ExpertSpan<const Expert> experts, ConstView x_TD,
                                                           moe::Plan<Cpu> plan, ConstView gates_TE, Stopwatch& watch) {
  moe::MixSaved<Expert> saved;
  saved.plan = std::move(plan);
  saved.gates_1N = moe::gates_of_pairs<float, Cpu>(context, gates_TE, saved.plan);
  const auto x_ND = moe::gathered<float, Cpu>(context, x_TD, saved.plan);
  watch.lap(Part::dispatch);
  Tensor y_ND;
  std::tie(y_ND, saved.experts) = Expert::forward_groups(context, experts, x_ND.view(), saved.plan.offsets);
  watch.lap(Part::experts);
  auto y_TD = Tensor::uninitialized(context, x_TD.rows, x_TD.cols);
  Cpu::combine_rows(context, y_ND, saved.gates_1N, saved.plan, y_TD.view());
  watch.lap(Part::combine);
  return {std::move(y_TD), std::move(saved)};
}

/// d_x_TD and d_gates_TE.
inline std::pair<Tensor, Tensor> staged_mix_back(const Context& context, moe::ExpertSpan<const Expert> experts,
                                                 ConstView d_y_TD, ConstView x_TD, moe::MixSaved<Expert> saved,
                                                 moe::ExpertSpan<Expert> gradients, Stopwatch& watch) {
  const auto d_y_ND = moe::gathered<float, Cpu>(context, d_y_TD, saved.plan);
  watch.lap(Part::combine_back);
  const auto x_ND = moe::gathered<float, Cpu>(context, x_TD, saved.plan);
  watch.lap(Part::dispatch_back);
  auto d_gates_1N = Tensor::uninitialized(context, 1, saved.plan.pairs());
  const auto d_x_ND =
      Expert::backward_groups(context, experts, d_y_ND.view(), std::as_const(saved.gates_1N).view(), saved.plan.offsets,
                              x_ND.view(), std::move(saved.experts), d_gates_1N.view(), gradients);
  watch.lap(Part::experts_back);
  auto d_x_TD = Tensor::uninitialized(context, d_y_TD.rows, d_y_TD.cols);
  Cpu::sum_rows(context, d_x_ND, saved.plan, d_x_TD.view());
  watch.lap(Part::dispatch_back);
  auto d_gates_TE =
      moe::gates_of_pairs_back<float, Cpu>(context, std::as_const(d_gates_1N).view(), d_y_TD.rows, saved.plan);
  watch.lap(Part::router_back);
  return {std::move(d_x_TD), std::move(d_gates_TE)};
}

inline Tensor staged_mix_infer(const Context& context, moe::ExpertSpan<const Expert> experts, ConstView x_TD,
                               const moe::Plan<Cpu>& plan, ConstView gates_TE, Stopwatch& watch) {
  const auto gates_1N = moe::gates_of_pairs<float, Cpu>(context, gates_TE, plan);
  const auto x_ND = moe::gathered<float, Cpu>(context, x_TD, plan);
  watch.lap(Part::dispatch);
  const auto y_ND = Expert::infer_groups(context, experts, x_ND.view(), plan.offsets);
  watch.lap(Part::experts);
  auto y_TD = Tensor::uninitialized(context, x_TD.rows, x_TD.cols);
  Cpu::combine_rows(context, y_ND, gates_1N, plan, y_TD.view());
  watch.lap(Part::combine);
  return y_TD;
}

}  // namespace moe_bench
