// error: View: a temporary matrix dies before its view does; give it a name that outlives the view
#include <moe/moe.hpp>

using Layer = moe::Mixtral<float, moe::Cpu<>>;

using Rows = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

void call(const Layer& layer, const moe::CpuContext& context) {
  layer.forward(context, Rows(4, 8), moe::Batch::single(4));
}
