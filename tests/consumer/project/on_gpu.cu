// A layer on a GPU in an independent project: compiled and linked on every machine with a CUDA compiler.
#include <moe/cuda.cuh>

// [cuda]
/// x, d_y: `rows` x 512 values in device memory. All work is ordered by the caller's stream.
void train_step(cudaStream_t stream, const moe::BFloat16* x, const moe::BFloat16* d_y, moe::Index rows) {
  using Experts = moe::ExpertBank<moe::SwiGlu<moe::BFloat16, moe::Cuda>>;
  moe::CudaContext context(stream);
  moe::TokenMoE layer(moe::TopK{.k = 2}, moe::SoftmaxOverChosen{}, moe::Unlimited{}, Experts(8, 512, 1376));

  // Master weights, gradient and moments are float; the layer holds the weights rounded to bfloat16.
  auto master = moe::accum_gradient_for(layer), gradient = moe::accum_gradient_for(layer);
  moe::AdamWState adamw_state(context, master, gradient);
  moe::initialize(context, master, /*seed=*/1);
  moe::round_weights(context, master, layer);

  auto [y_TD, saved, stats] = layer.forward(context, {x, rows, 512}, moe::Batch::single(rows));
  layer.backward(context, {d_y, rows, 512}, {.balance = 0.01}, std::move(saved), gradient);
  moe::AdamW{}.step(context, /*rate=*/1e-4, /*step=*/1, /*scale=*/1, master, gradient, adamw_state);
  moe::round_weights(context, master, layer);
}
// [/cuda]

// [cuda_split]
/// The same without a separate float copy of the weights: the layer's bfloat16 weight and 16 more bits together are
/// exactly the float master weight. Moments are bfloat16. A weight that trains takes 12 bytes with its gradient; in
/// train_step it takes 18.
void lean_train_step(cudaStream_t stream, const moe::BFloat16* x, const moe::BFloat16* d_y, moe::Index rows) {
  using Experts = moe::ExpertBank<moe::SwiGlu<moe::BFloat16, moe::Cuda>>;
  moe::CudaContext context(stream);
  moe::TokenMoE layer(moe::TopK{.k = 2}, moe::SoftmaxOverChosen{}, moe::Unlimited{}, Experts(8, 512, 1376));
  moe::initialize(context, layer, /*seed=*/1);

  auto gradient = moe::accum_gradient_for(layer);
  moe::AdamWState<moe::Cuda, moe::BFloat16, moe::MasterWeights::split> adamw_state(context, layer, gradient);

  auto [y_TD, saved, stats] = layer.forward(context, {x, rows, 512}, moe::Batch::single(rows));
  layer.backward(context, {d_y, rows, 512}, {.balance = 0.01}, std::move(saved), gradient);
  moe::AdamW{}.step(context, /*rate=*/1e-4, /*step=*/1, /*scale=*/1, layer, gradient, adamw_state);
}
// [/cuda_split]

int main() {
  try {
    train_step(nullptr, nullptr, nullptr, 0);
    lean_train_step(nullptr, nullptr, nullptr, 0);
  } catch (const moe::DeviceError&) {
    // There is no GPU here.
  }
}
