// Training, from data to specialized experts. Rows come in three kinds, each with its own linear map: y = A_kind z. A
// dense FFN learns kind 0. A MultiPL-MoE layer is upcycled from it and trains on all three kinds; its shared expert,
// expert 0 of the token level, stays frozen and keeps what the FFN learned. The router assigns one more token expert to
// each kind. The segment level routes a window by the previous window. The first window of a sequence, 4 rows of 16,
// has no previous window, so all first windows are processed by the same experts.
//
// Expected output:
//   the dense FFN, on kind 0
//     step   1  loss 6.229
//     step 100  loss 0.040
//   the mixture, on kinds 0 to 2
//     step   1  loss 2.910
//     step 250  loss 0.002
//     step 500  loss 0.000
//   held-out rows, 1 of 3 kinds: loss 0.047 dense, 0.001 mixture
//   held-out rows, 3 of 3 kinds: loss 4.205 dense, 0.001 mixture
//   token level, rows of kind 0 per expert: 64 64  0  0
//   token level, rows of kind 1 per expert: 64  0 64  0
//   token level, rows of kind 2 per expert: 64  0  0 64
//   segment level, rows of kind 0 per expert: 16 64 16
//   segment level, rows of kind 1 per expert: 64 16 16
//   segment level, rows of kind 2 per expert: 16 16 64
#include <cstdio>
#include <moe/moe.hpp>
#include <string>
#include <vector>

namespace {

using Cpu = moe::Cpu<>;
using Ffn = moe::SwiGlu<double, Cpu>;
using Layer = moe::CausalMultiPlMoe<double, Cpu, moe::NormalizedFusion, moe::BalanceOverRouted>;
using Tensor = moe::Matrix<double, Cpu>;

const moe::CpuContext context;
constexpr moe::Index kinds = 3, sequences = 12, length = 16, rows = sequences * length;
constexpr moe::Index inputs = 5, width = kinds + inputs, hidden = 6;
const auto batch_of_data = moe::Batch::sequences(sequences, length);

/// x_TD: twice the one-hot vector of the row's kind, then z. y_TD: A_kind z.
struct Data {
  Tensor x_TD{rows, width}, y_TD{rows, width};
};

/// The kind of a row: all rows of a sequence have the same kind, and sequences cycle through `some` kinds.
moe::Index kind_of(moe::Index row, moe::Index some) { return row / length % some; }

Data draw_data(std::uint64_t seed, moe::Index some) {
  Data data;
  moe::draw_normal(context, data.x_TD, seed, "z", 1.0);
  Tensor maps(kinds * width, inputs);
  moe::draw_normal(context, maps, /*seed=*/0, "maps", 0.45);
  const auto x = data.x_TD.view(), y = data.y_TD.view(), a = maps.view();
  for (moe::Index t = 0; t < rows; ++t) {
    const moe::Index kind = kind_of(t, some);
    for (moe::Index k = 0; k < kinds; ++k) x(t, k) = k == kind ? 2 : 0;
    for (moe::Index d = 0; d < width; ++d)
      for (moe::Index i = 0; i < inputs; ++i) y(t, d) += a(kind * width + d, i) * x(t, kinds + i);
  }
  return data;
}

/// Mean squared error. Writes its gradient to `d_answer_TD` if that is not null.
double loss(const Tensor& answer_TD, const Data& data, Tensor* d_answer_TD = nullptr) {
  double sum = 0;
  for (moe::Index i = 0; i < data.y_TD.size(); ++i) {
    const double error = answer_TD.data()[i] - data.y_TD.data()[i];
    sum += error * error / static_cast<double>(data.y_TD.size());
    if (d_answer_TD) d_answer_TD->data()[i] = 2 * error / static_cast<double>(data.y_TD.size());
  }
  return sum;
}

/// Trains any layer; `trains` selects the trainable weights.
template <class AnyLayer>
void train(AnyLayer& layer, const moe::TrainByName& trains, moe::Index some_kinds, moe::Index steps) {
  const moe::AdamW adamw{.decay = 0.01};
  const moe::CosineSchedule schedule{.peak = 0.03, .warm_up = 20, .total = steps};
  auto gradient = moe::gradient_for(layer, trains);
  moe::AdamWState adamw_state(context, layer, gradient);

  for (moe::Index step = 1; step <= steps; ++step) {
    const Data data = draw_data(static_cast<std::uint64_t>(step), some_kinds);
    moe::Batch batch = batch_of_data;
    batch.random = {.seed = 24, .step = step};  // used only by layers that draw random numbers
    auto [y_TD, saved, stats] = layer.forward(context, data.x_TD, batch);
    Tensor d_y_TD(rows, width);
    const double error = loss(y_TD, data, &d_y_TD);

    moe::set_to_zero(context, gradient);
    // .balance: weight of the balance loss in the total loss
    layer.backward(context, d_y_TD, {.balance = 0.003}, std::move(saved), gradient);
    const double scale = moe::clip_factor(moe::global_norm(context, gradient), 1.0);
    adamw.step(context, schedule.at(step), step, scale, layer, gradient, adamw_state);
    layer.update_buffers(context, stats);  // the segment level's inference thresholds
    if (step == 1 || step % 250 == 0 || step == steps) std::printf("  step %3d  loss %.3f\n", int(step), error);
  }
}

/// Prints one line per kind: how many of its rows each expert processes.
void print_experts_per_kind(const moe::Observation& seen) {
  for (moe::Index kind = 0; kind < kinds; ++kind) {
    std::vector<int> count(static_cast<std::size_t>(seen.experts));
    for (moe::Index r = 0; r < seen.rows; ++r) {
      const auto at = static_cast<std::size_t>(r);
      for (moe::Index t = seen.begin[at]; t < seen.begin[at + 1]; ++t)
        for (std::size_t e = 0; e < count.size(); ++e)
          count[e] += kind_of(t, kinds) == kind && seen.kept[at * count.size() + e] != 0;
    }
    std::printf("%s level, rows of kind %d per expert:", std::string(seen.level).c_str(), int(kind));
    for (const int rows_of_expert : count) std::printf(" %2d", rows_of_expert);
    std::printf("\n");
  }
}

}  // namespace

int main() {
  Ffn dense(width, hidden);
  moe::initialize(context, dense, /*seed=*/24, /*deviation=*/0.5);
  std::printf("the dense FFN, on kind 0\n");
  train(dense, {}, /*some_kinds=*/1, /*steps=*/100);

  auto layer = moe::make_multipl<Layer>(
      {.width = width, .hidden = hidden, .token_experts = 4, .segment_experts = 3, .window = 4});
  moe::upcycle(context, dense, layer, {.seed = 24, .router_deviation = 1});
  std::printf("the mixture, on kinds 0 to 2\n");
  train(layer, {.freeze = {"token.experts.0.*"}}, kinds, /*steps=*/500);

  for (const moe::Index some_kinds : {moe::Index{1}, kinds}) {
    const Data test = draw_data(/*seed=*/1000, some_kinds);
    std::printf("held-out rows, %d of %d kinds: loss %.3f dense, %.3f mixture\n", int(some_kinds), int(kinds),
                loss(dense.infer(context, test.x_TD, batch_of_data), test),
                loss(layer.infer(context, test.x_TD, batch_of_data), test));
  }
  const Data test = draw_data(/*seed=*/1000, kinds);
  moe::CpuContext watched = context;
  watched.observer = print_experts_per_kind;
  layer.infer(watched, test.x_TD, batch_of_data);
}
