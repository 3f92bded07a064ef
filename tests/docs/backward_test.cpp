/// The code of docs/03_backward.md.
#include <moe/moe.hpp>

#include "support/catch.hpp"
#include "support/random_tensors.hpp"

namespace backward_test {

using moe::testing::Draw;
using moe::testing::random_matrix;
using moe::testing::randomize;
using moe::testing::same_bits;
using Cpu = moe::Cpu<>;
using Tensor = moe::Matrix<double, Cpu>;

namespace {

const moe::CpuContext context{.threads = 2};
const moe::Index rows = 12, width = 6;
const auto batch = moe::Batch::single(rows);

auto drawn_layer() {
  moe::TokenMoE layer(moe::TopK{.k = 2}, moe::SoftmaxOverChosen{}, moe::Unlimited{},
                      moe::ExpertBank<moe::SwiGlu<double, Cpu>>(3, width, 8));
  Draw draw("docs, backward");
  randomize(draw, layer, 0.5);
  return layer;
}

Tensor drawn_rows(const char* name) {
  Draw draw(name);
  return random_matrix<double, Cpu>(draw, rows, width);
}

}  // namespace

TEST_CASE("backward: saved is consumed, weight gradients accumulate, the input gradient is returned", "[docs]") {
  const auto layer = drawn_layer();
  const Tensor x_TD = drawn_rows("docs, x"), d_y_TD = drawn_rows("docs, d_y");
  // [step]
  auto gradient = moe::gradient_for(layer);
  auto [y_TD, saved, stats] = layer.forward(context, x_TD, batch);
  const Tensor d_x_TD = layer.backward(context, d_y_TD, /*d_stats=*/{}, std::move(saved), gradient);
  // [/step]
  CHECK(d_x_TD.rows() == rows);
  CHECK(moe::as_eigen(d_x_TD).norm() > 0);

  // [micro_batches]
  auto added = moe::gradient_for(layer);
  for (int micro_batch = 0; micro_batch < 2; ++micro_batch)
    layer.backward(context, d_y_TD, {}, layer.forward(context, x_TD, batch).saved, added);
  // [/micro_batches]
  const auto once = moe::as_eigen(gradient.bank.experts[1].up_proj),
             twice = moe::as_eigen(added.bank.experts[1].up_proj);
  CHECK(once.norm() > 0);
  CHECK((twice - 2 * once).norm() < 1e-12 * once.norm());
}

TEST_CASE("backward: an empty tensor is a frozen weight", "[docs]") {
  const auto layer = drawn_layer();
  const Tensor x_TD = drawn_rows("docs, x"), d_y_TD = drawn_rows("docs, d_y");
  // [freeze]
  auto gradient = moe::gradient_for(layer, moe::TrainByName{.train = {"*"}, .freeze = {"experts.0.*", "gate.*"}});
  CHECK(gradient.bank.experts[0].up_proj.empty());
  CHECK(gradient.routing.gate.weight.empty());
  CHECK_FALSE(gradient.bank.experts[1].up_proj.empty());

  const auto d_x_TD = layer.backward(context, d_y_TD, {}, layer.forward(context, x_TD, batch).saved, gradient);
  // [/freeze]
  CHECK(gradient.bank.experts[0].up_proj.empty());
  auto whole = moe::gradient_for(layer);
  // Freezing changes neither d_x nor the other gradients.
  CHECK(same_bits(layer.backward(context, d_y_TD, {}, layer.forward(context, x_TD, batch).saved, whole), d_x_TD));
  CHECK(same_bits(whole.bank.experts[1].up_proj, gradient.bank.experts[1].up_proj));
}

TEST_CASE("backward: the caller sets the weights of the auxiliary losses", "[docs]") {
  const auto layer = drawn_layer();
  const Tensor x_TD = drawn_rows("docs, x"), d_y_TD(rows, width);
  // [auxiliary]
  const double alpha = 0.01, beta = 0.001, micro_batches = 4;
  auto gradient = moe::gradient_for(layer);
  auto [y_TD, saved, stats] = layer.forward(context, x_TD, batch);
  const double auxiliary = alpha * stats.balance_loss() + beta * stats.z_loss();  // for reporting
  const moe::AuxiliaryGradient d_stats{.balance = alpha / micro_batches, .z = beta / micro_batches};
  layer.backward(context, d_y_TD, d_stats, std::move(saved), gradient);
  // [/auxiliary]
  CHECK(auxiliary > 0);
  // d_y is 0 here, so only the gate has a gradient.
  CHECK(moe::as_eigen(gradient.routing.gate.weight).norm() > 0);
  CHECK(moe::as_eigen(gradient.bank.experts[0].up_proj).norm() == 0);
}

TEST_CASE("backward: recomputed activations are bitwise identical", "[docs]") {
  const auto layer = drawn_layer();
  const Tensor x_TD = drawn_rows("docs, x"), d_y_TD = drawn_rows("docs, d_y");
  auto gradient = moe::gradient_for(layer), expected = moe::gradient_for(layer);
  const auto expected_d_x_TD = layer.backward(context, d_y_TD, {}, layer.forward(context, x_TD, batch).saved, expected);
  // [recompute]
  auto first = layer.forward(context, x_TD, batch);
  first.saved = {};  // frees the saved activations; x_TD, y_TD and stats remain
  // ... forward of the later layers, then their backward ...
  auto again = layer.forward(context, x_TD, batch);
  const Tensor d_x_TD = layer.backward(context, d_y_TD, {}, std::move(again.saved), gradient);
  // [/recompute]
  CHECK(same_bits(first.output, again.output));
  CHECK(same_bits(d_x_TD, expected_d_x_TD));
  CHECK(same_bits(gradient.routing.gate.weight, expected.routing.gate.weight));
}

}  // namespace backward_test
