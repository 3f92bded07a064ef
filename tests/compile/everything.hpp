// Every public header that needs nothing but a C++ compiler, Eigen and, where it is installed, nlohmann-json, and
// enough uses of them to compile their templates. It includes nothing else: what a file includes or defines before this
// header is what it tests.
#include <moe/moe.hpp>
#include <moe/runtime/any_layer.hpp>
#include <moe/runtime/registry.hpp>
#if __has_include(<nlohmann/json.hpp>)
#include <moe/safetensors.hpp>
#endif

namespace uses {

template <class Value>
using Experts = moe::ExpertBank<moe::SwiGlu<Value, moe::Cpu<>>>;

#if __has_include(<nlohmann/json.hpp>)
template <class Layer>
void keep(Layer& layer) {
  moe::save("layer.safetensors", layer);
  moe::load("layer.safetensors", layer);
}
#endif

template <class Layer>
void train(const moe::CpuContext& context, Layer layer) {
  using Tensor = moe::Matrix<typename Layer::Value, moe::Cpu<>>;
  auto gradient = moe::accum_gradient_for(layer);
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
#if __has_include(<nlohmann/json.hpp>)
  auto kept = moe::SwiGlu<float, moe::Cpu<>>(8, 16);
  keep(kept);
#endif
  train(context,
        moe::TokenMoE(moe::TopK{}, moe::SoftmaxOverChosen{}, moe::Unlimited{}, Experts<moe::BFloat16>(6, 8, 16)));
}

}  // namespace uses

int main() { uses::everything(); }
