/// Inputs of the measured operations: the rows of a batch, dispatched to experts by TopK as in a TokenMoE.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "bench/data.hpp"
#include "moe/ops/dispatch.hpp"
#include "moe/routing/capacity/unlimited.hpp"
#include "moe/routing/gating.hpp"
#include "moe/routing/normalizer/softmax_over_chosen.hpp"
#include "moe/routing/router/top_k.hpp"

namespace moe_bench {

struct Dealt {
  Context context;
  Shape shape;
  moe::Gating<moe::TopK, moe::SoftmaxOverChosen, moe::Unlimited, float, Cpu> gating;
  Tensor x_TD;
  moe::Decision<float, Cpu> decision;
  moe::Plan<Cpu> plan;

  Dealt(Context context_, const Shape& shape_)
      : context(std::move(context_)),
        shape(shape_),
        gating({.k = shape.chosen}, {}, {}, shape.width, shape.experts),
        x_TD(uniform_tensor(context, shape.rows, shape.width, 1)) {
    fill_weights(context, gating);
    decision = gating.decide<moe::Training>(context, x_TD, {});
    plan = Cpu::group_by_expert(context, decision.choice.chosen_RE);
  }

  Index pairs() const { return plan.pairs(); }
  ConstView logits_TE() const { return decision.logits_RE.view(); }
  ConstView gates_TE() const { return decision.gates_RE.view(); }
};

/// Bytes of `count` floats.
inline double float_bytes(Index count) { return 4.0 * static_cast<double>(count); }

/// The measured call, and its FLOPs and bytes.
struct Call {
  std::function<void()> run;
  double flops = 0, bytes = 0;
};

/// Adds one pass of an operation. `prepare` makes its inputs from the dispatched rows when it is first measured.
inline void add_op(Suite& suite, const Context& context, const Shape& shape, const std::string& subject,
                   const std::string& pass, std::function<Call(const Dealt&)> prepare) {
  struct Prepared {
    Dealt dealt;
    Call call;
    Prepared(const Context& c, const Shape& s, const std::function<Call(const Dealt&)>& make)
        : dealt(c, s), call(make(dealt)) {}
  };
  const auto prepared = std::make_shared<std::unique_ptr<Prepared>>();
  suite.push_back({"op", subject, shape, pass, [=, make = std::move(prepare)](benchmark::State& state) {
                     if (!*prepared) *prepared = std::make_unique<Prepared>(context, shape, make);
                     const Call& call = (*prepared)->call;
                     for (auto _ : state) {
                       call.run();
                       benchmark::ClobberMemory();
                     }
                     if (call.flops > 0) state.counters["flops"] = call.flops;
                     if (call.bytes > 0) state.counters["bytes"] = call.bytes;
                   }});
}

}  // namespace moe_bench
