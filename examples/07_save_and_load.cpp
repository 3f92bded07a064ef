// A trained layer is saved and loaded. The safetensors file holds its weights and its buffers, here the thresholds of
// the segment level's router, so that the loaded layer computes the same values. Other programs read it too: Python's
// `safetensors.numpy.load_file("layer.safetensors")` returns the same tensors. The files are written to the folder that
// the argument names, or to the working directory.
//
// Expected output:
//   trained: loss 0.594
//   layer.safetensors holds 23 tensors, one of them segment.thresholds of 2 values
//   the loaded layer computes the same values
//   the layer in bfloat16, from several files, computes the same values up to 0.05
//   another layer: 3 tensors missing in the file, 23 unexpected
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <moe/moe.hpp>
#include <moe/safetensors.hpp>

namespace {

using Layer = moe::CausalMultiPlMoe<double, moe::Cpu<>, moe::NormalizedFusion>;
using Tensor = moe::Matrix<double, moe::Cpu<>>;

const moe::CpuContext context;
constexpr moe::Index rows = 64, width = 8;
const auto batch = moe::Batch::sequences(4, 16);

Layer make_layer() {
  return moe::make_multipl<Layer>({.width = width, .hidden = 6, .token_experts = 4, .segment_experts = 2, .window = 4});
}

/// Trains the layer to reverse the columns of x. Returns the mean squared error of the last step.
double train(Layer& layer, const Tensor& x_TD) {
  auto gradient = moe::gradient_for(layer);
  moe::AdamWState adamw_state(context, layer, gradient);
  double loss = 0;
  for (moe::Index step = 1; step <= 20; ++step) {
    auto [y_TD, saved, stats] = layer.forward(context, x_TD, batch);
    Tensor d_y_TD(rows, width);
    loss = 0;
    for (moe::Index t = 0; t < rows; ++t)
      for (moe::Index d = 0; d < width; ++d) {
        const double error = y_TD.view()(t, d) - x_TD.view()(t, width - 1 - d);
        loss += error * error / double(rows * width);
        d_y_TD.view()(t, d) = 2 * error / double(rows * width);
      }
    moe::set_to_zero(context, gradient);
    layer.backward(context, d_y_TD, {.balance = 0.01}, std::move(saved), gradient);
    moe::AdamW{}.step(context, /*rate=*/0.01, step, /*scale=*/1, layer, gradient, adamw_state);
    layer.update_buffers(context, stats);
  }
  return loss;
}

double largest_difference(const Layer& one, const Layer& two, const Tensor& x_TD) {
  const Tensor y_TD = one.infer(context, x_TD, batch), z_TD = two.infer(context, x_TD, batch);
  double largest = 0;
  for (moe::Index i = 0; i < y_TD.size(); ++i) largest = std::fmax(largest, std::abs(y_TD.data()[i] - z_TD.data()[i]));
  return largest;
}

}  // namespace

int main(int argc, char** argv) {
  const std::filesystem::path folder = argc > 1 ? argv[1] : ".";

  Layer layer = make_layer();
  moe::initialize(context, layer, /*seed=*/7, /*deviation=*/0.4);
  Tensor x_TD(rows, width);
  moe::draw_normal(context, x_TD, /*seed=*/7, "x", 1.0);
  std::printf("trained: loss %.3f\n", train(layer, x_TD));

  moe::save(folder / "layer.safetensors", layer);
  const auto file = moe::io::SafetensorsFile::open(folder / "layer.safetensors");
  std::printf("layer.safetensors holds %d tensors, one of them segment.thresholds of %d values\n",
              int(file.entries().size()), int(file.entry("segment.thresholds").count()));

  Layer loaded = make_layer();
  moe::load(folder / "layer.safetensors", loaded);
  if (largest_difference(layer, loaded, x_TD) == 0) std::printf("the loaded layer computes the same values\n");

  moe::save(folder / "small.safetensors", layer, {.dtype = moe::StoredDtype::bfloat16, .max_shard_bytes = 800});
  moe::load(folder / "small.safetensors", loaded);
  if (largest_difference(layer, loaded, x_TD) < 0.05)
    std::printf("the layer in bfloat16, from several files, computes the same values up to 0.05\n");

  moe::SwiGlu<double, moe::Cpu<>> other(width, 6);
  try {
    moe::load(folder / "layer.safetensors", other);
  } catch (const moe::TensorMismatch& error) {
    std::printf("another layer: %d tensors missing in the file, %d unexpected\n",
                int(error.differences().missing.size()), int(error.differences().unexpected.size()));
  }
}
