// error: AdamWMemory: weights must be float or moe::BFloat16
#include "parts.hpp"

#include "moe/train/adamw_memory.hpp"

using namespace moe;
using namespace moe::testing;

void train(const Shape::Context& context, Linear<double, Shape>& layer) {
  AdamWMemory<Shape> memory(context, layer, layer);
}
