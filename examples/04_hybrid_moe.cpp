// MultiPL-MoE's layer, upcycled from a dense FFN: every expert starts as a copy of the FFN. With NormalizedFusion the
// layer's output equals the FFN's; with the released constants 0.7 and 0.3 it does not. Then one training step with a
// frozen shared expert (expert 0).
//
// Expected output:
//   fixed fusion changes the dense output: yes
//   normalized fusion changes the dense output: no
//   39 parameters, 36 of them trainable
//   balance loss above 0: yes
//   the loss falls: yes
//   the shared expert is still the dense FFN: yes
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <moe/moe.hpp>

namespace {

using Cpu = moe::Cpu<>;
using Ffn = moe::SwiGlu<float, Cpu>;
using Tensor = moe::Matrix<float, Cpu>;

const moe::CpuContext context;
const moe::Index rows = 32, width = 16, hidden = 24;
const auto batch = moe::Batch::sequences(2, rows / 2);

const char* yes(bool holds) { return holds ? "yes" : "no"; }

bool differ(const Tensor& a, const Tensor& b) {
  float largest = 0;
  for (moe::Index i = 0; i < a.size(); ++i) largest = std::max(largest, std::abs(a.data()[i] - b.data()[i]));
  return largest > 1e-3f;
}

template <class Fusion>
auto upcycled(const Ffn& dense) {
  auto layer =
      moe::make_multipl<moe::CausalMultiPlMoe<float, Cpu, Fusion>>({.width = width, .hidden = hidden, .window = 4});
  moe::upcycle(context, dense, layer, {.seed = 4});
  return layer;
}

}  // namespace

int main() {
  Ffn dense(width, hidden);
  moe::initialize(context, dense, /*seed=*/4, /*deviation=*/0.5);
  Tensor x_TD(rows, width), target_TD(rows, width);
  moe::draw_normal(context, x_TD, /*seed=*/4, "x", 1.0);
  moe::draw_normal(context, target_TD, /*seed=*/4, "target", 1.0);

  const auto dense_TD = dense.infer(context, x_TD, batch);
  const auto fixed = upcycled<moe::FixedFusion>(dense);
  auto layer = upcycled<moe::NormalizedFusion>(dense);
  std::printf("fixed fusion changes the dense output: %s\n", yes(differ(fixed.infer(context, x_TD, batch), dense_TD)));
  std::printf("normalized fusion changes the dense output: %s\n",
              yes(differ(layer.infer(context, x_TD, batch), dense_TD)));

  // A frozen weight has an empty tensor in the gradient tree: it takes no memory and no computation.
  auto gradient = moe::gradient_for(layer, moe::TrainByName{.freeze = {"token.experts.0.*"}});
  int weights = 0, training = 0;
  moe::for_each_parameter(
      [&](const std::string&, const auto&, const auto& d_weight) {
        ++weights;
        training += !d_weight.empty();
      },
      layer, gradient);
  std::printf("%d parameters, %d of them trainable\n", weights, training);

  const auto loss = [&](const Tensor& y_TD, Tensor* d_y_TD) {
    double sum = 0;
    for (moe::Index i = 0; i < y_TD.size(); ++i) {
      const float error = y_TD.data()[i] - target_TD.data()[i];
      sum += 0.5 * static_cast<double>(error) * static_cast<double>(error);
      if (d_y_TD) d_y_TD->data()[i] = error;
    }
    return sum;
  };
  auto [y_TD, saved, stats] = layer.forward(context, x_TD, batch);
  Tensor d_y_TD(rows, width);
  const double before = loss(y_TD, &d_y_TD);
  // .balance: weight of the balance loss in the total loss
  layer.backward(context, d_y_TD, {.balance = 0.01}, std::move(saved), gradient);
  std::printf("balance loss above 0: %s\n", yes(stats.balance_loss() > 0));

  moe::for_each_parameter(
      [](const std::string&, auto& weight, const auto& d_weight) {
        for (moe::Index i = 0; i < d_weight.size(); ++i) weight.data()[i] -= 1e-4f * d_weight.data()[i];
      },
      layer, gradient);
  layer.update_buffers(context, stats);
  const double after = loss(layer.forward(context, x_TD, batch).output, nullptr);
  std::printf("the loss falls: %s\n", yes(after < before));
  std::printf("the shared expert is still the dense FFN: %s\n",
              yes(!differ(layer.token.bank.experts[0].up_proj, dense.up_proj)));
}
