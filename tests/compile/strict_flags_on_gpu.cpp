// The GPU backend's headers under strict flags, on the emulated device of the tests, which a C++ compiler compiles. A
// header that a system header includes first counts as a system header, so the device is included last.
#include "moe/backend/cuda/accelerator.cuh"
#include "moe/experts/swiglu.hpp"
#include "moe/layers/token_moe.hpp"
#include "moe/routing/capacity/capacity_factor.hpp"
#include "moe/routing/normalizer/sigmoid_over_chosen.hpp"
#include "moe/routing/router/top_k.hpp"
#include "moe/train/adamw.hpp"
#include "moe/train/clip.hpp"

#include <support/emulated_device.hpp>

int main() {
  using Device = moe::testing::Emulated;
  using Bank = moe::ExpertBank<moe::SwiGlu<moe::BFloat16, Device>>;
  const Device::Context context;
  moe::TokenMoE layer(moe::TopK{}, moe::SigmoidOverChosen{}, moe::CapacityFactor{}, Bank(4, 8, 16));
  auto gradient = moe::accum_gradient_for(layer);
  moe::AdamWState<Device, moe::BFloat16, moe::MasterWeights::split> memory(context, layer, gradient);
  const moe::Matrix<moe::BFloat16, Device> x_TD(4, 8);
  auto [y_TD, saved, stats] = layer.forward(context, x_TD, moe::Batch::single(4));
  layer.backward(context, y_TD, {.balance = 0.01, .z = 0.001}, std::move(saved), gradient);
  moe::AdamW{}.step(context, 0.1, 1, moe::clip_factor(moe::global_norm(context, gradient), 1), layer, gradient, memory);
}
