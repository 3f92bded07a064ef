// The correct form of everything that the other files do. It compiles without a warning, so the errors of those files
// come from their mistakes.
#include <moe/moe.hpp>

#include "parts.hpp"

using namespace moe;
using namespace moe::testing;

namespace {

using Real = float;
using Experts = ExpertBank<SwiGlu<Real, Cpu<>>>;
using Rows = Eigen::Matrix<Real, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

template <class Layer>
Layer train(const CpuContext& context, Layer layer) {
  Layer gradient = gradient_for(layer);
  const Rows own = Rows::Zero(4, 8);
  const Matrix<Real, Cpu<>> x_TD(4, 8), copy_TD = x_TD.copy();
  layer.infer(context, own, Batch::single(4));
  layer.infer(context, {own.data(), 4, 8}, Batch::single(4));
  layer.infer(context, copy_TD, Batch::single(4));
  auto [y_TD, saved, stats] = layer.forward(context, x_TD, Batch::single(4));
  layer.backward(context, y_TD, {.balance = 0.01}, std::move(saved), gradient);
  layer.update_buffers(context, stats);
  if constexpr (Layer::is_causal) {
    auto state = layer.begin_decoding(context, 4);
    layer.decode(context, x_TD, {}, state);
  }
  return layer;
}

}  // namespace

int main() {
  const CpuContext context;
  TokenMoE token(FirstExpert{}, SoftmaxOverChosen{}, Unlimited{}, Experts(6, 8, 16),
                 SharedExpert<SwiGlu<Real, Cpu<>>, SigmoidGate>(8, 16), BalanceOverRouted{});
  SegmentMoE segment(FixedWindow{.window = 2}, PreviousMean<Real, Cpu<>>(8),
                     TrainInfer<ExpertChoice, ThresholdChoice>{}, SoftmaxOverAll{}, SegmentCapacity{},
                     Experts(6, 8, 16));
  HybridMoE hybrid(train(context, std::move(token)), train(context, std::move(segment)), NormalizedFusion{});
  train(context, std::move(hybrid));
  train(context, make_multipl<MultiPlMoe<Real, Cpu<>>>({.width = 8, .hidden = 16}));
}
