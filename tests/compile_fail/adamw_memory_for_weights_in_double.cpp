// error: AdamWState: weights in double require moments in double, other weights do not allow them
#include "parts.hpp"

#include "moe/train/adamw_state.hpp"

using namespace moe;
using namespace moe::testing;

void train(const Shape::Context& context, Linear<double, Shape>& layer) {
  AdamWState<Shape> memory(context, layer, layer);
}
