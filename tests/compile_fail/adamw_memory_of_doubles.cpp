// error: AdamWState: weights in double, and no others, have moments in double
#include "parts.hpp"

#include "moe/train/adamw_state.hpp"

using namespace moe;
using namespace moe::testing;

void train(const Shape::Context& context, Linear<float, Shape>& layer) {
  AdamWState<Shape, double> memory(context, layer, layer);
}
