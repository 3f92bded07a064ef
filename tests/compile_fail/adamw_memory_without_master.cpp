// error: AdamWState: weights in moe::BFloat16 need MasterWeights::split or MasterWeights::bfloat16
#include "parts.hpp"

#include "moe/train/adamw_state.hpp"

using namespace moe;
using namespace moe::testing;

void train(const Shape::Context& context, Linear<BFloat16, Shape>& layer, const Linear<float, Shape>& gradient) {
  AdamWState<Shape> memory(context, layer, gradient);
}
