// Every public header that needs nothing but a C++ compiler and Eigen, and enough uses of them to compile their
// templates. It includes nothing else: what a file includes or defines before this header is what it tests.
#include <moe/moe.hpp>
#include <moe/runtime/any_layer.hpp>
#include <moe/runtime/registry.hpp>

namespace uses {

template <class Value>
using Experts = moe::ExpertBank<moe::SwiGlu<Value, moe::Cpu<>>>;

template <class Layer>
void train(const moe::CpuContext& context, Layer layer) {
  using Tensor = moe::Matrix<typename Layer::Value, moe::Cpu<>>;
  Layer gradient = gradient_for(layer);
  moe::AdamWState memory(context, layer, gradient);
  const Tensor x_TD(4, 8);
  auto batch = moe::Batch::single(4);
  batch.random = {.seed = 1, .step = 1};
  layer.infer(context, x_TD, batch);
  auto [y_TD, saved, stats] = layer.forward(context, x_TD, batch);
  layer.backward(context, y_TD, {.balance = 0.01, .z = 0.001}, std::move(saved), gradient);
  layer.update_buffers(context, stats);
  moe::AdamW{}.step(context, 0.1, 1, moe::clip_factor(moe::global_norm(context, gradient), 1), layer, gradient, memory);
}

inline void everything() {
  const moe::CpuContext context;
  // Every architecture, router, segmenter and fusion that has a name.
  moe::Registry<float, moe::Cpu<>>().make({});
  train(context, moe::TokenMoE(moe::Jittered<moe::TopK>{{.k = 1}}, moe::SigmoidOverChosen{}, moe::CapacityFactor{},
                               Experts<double>(6, 8, 16)));
  const moe::TokenMoE layer(moe::TopK{}, moe::SoftmaxOverChosen{}, moe::Unlimited{}, Experts<float>(6, 8, 16));
  moe::pack_weights<moe::BFloat16>(context, layer);
}

}  // namespace uses

int main() { uses::everything(); }
