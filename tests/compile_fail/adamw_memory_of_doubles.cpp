// error: AdamWMemory: weights in double, and no others, have moments in double
#include "parts.hpp"

#include "moe/train/adamw_memory.hpp"

using namespace moe;
using namespace moe::testing;

void train(const Shape::Context& context, Linear<float, Shape>& layer) {
  AdamWMemory<Shape, double> memory(context, layer, layer);
}
