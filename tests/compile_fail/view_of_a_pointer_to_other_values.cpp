// error: View: the pointer is to values of another type than the view's
#include <moe/moe.hpp>

using Layer = moe::Mixtral<float, moe::Cpu<>>;

void call(const Layer& layer, const moe::CpuContext& context, const double* x) {
  layer.forward(context, {x, 4, 8}, moe::Batch::single(4));
}
