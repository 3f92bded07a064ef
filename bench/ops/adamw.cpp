#include "moe/train/adamw.hpp"

#include <memory>
#include <string>

#include "bench/ops/op_bench.hpp"
#include "moe/ops/linear.hpp"

namespace moe_bench {

namespace {

using Weights = moe::Linear<float, Cpu>;

/// An AdamW step on one matrix of an expert. Bytes: gradient, weights and optimizer state are read, and all but the
/// gradient are written.
template <class Moment, moe::MasterWeights master>
Call call_step(const Dealt& d) {
  using Memory = moe::AdamWState<Cpu, Moment, master>;
  struct Trained {
    Weights weights, gradient;
    Memory memory;
    moe::Index step = 0;
  };
  auto trained = std::make_shared<Trained>();
  trained->weights = Weights::without_bias(d.shape.width, d.shape.hidden);
  trained->gradient = moe::gradient_for(trained->weights);
  fill_weights(d.context, trained->weights);
  fill_weights(d.context, trained->gradient);
  trained->memory = Memory(d.context, trained->weights, trained->gradient);
  const auto values = static_cast<double>(trained->weights.weight.size());
  constexpr double kept = 4 + 2 * sizeof(Moment) + (master == moe::MasterWeights::split ? 2 : 0);
  return Call{[&d, trained] {
                moe::AdamW{}.step(d.context, 1e-5, ++trained->step, 1, trained->weights, trained->gradient,
                                  trained->memory);
              },
              0, values * (4 + 2 * kept)};
}

template <class Moment>
void add_with(Suite& suite, const Context& context, const Shape& shape, const std::string& moments) {
  using enum moe::MasterWeights;
  add_op(suite, context, shape, "adamw" + moments, "step", call_step<Moment, float32>);
  add_op(suite, context, shape, "adamw_split" + moments, "step", call_step<Moment, split>);
  add_op(suite, context, shape, "adamw_bf16" + moments, "step", call_step<Moment, bfloat16>);
}

}  // namespace

void add_adamw(Suite& suite, const Context& context, const Shape& shape) {
  add_with<float>(suite, context, shape, "");
  add_with<moe::BFloat16>(suite, context, shape, "_bf16_moments");
}

}  // namespace moe_bench
