/// The code of docs/10_scale.md, with ranks that are threads.
#include <moe/moe.hpp>

#include <stdexcept>

#include "support/catch.hpp"
#include "support/random_tensors.hpp"
#include "support/thread_comm.hpp"

namespace scale_test {

using moe::testing::Draw;
using moe::testing::random_matrix;
using moe::testing::randomize;
using moe::testing::run_ranks;
using moe::testing::same_bits;
using moe::testing::ThreadComm;
using Cpu = moe::Cpu<>;
using Tensor = moe::Matrix<double, Cpu>;

namespace {

const moe::Index width = 6;

/// A layer with a bias for each expert, which update_buffers moves, and a shared expert.
auto drawn_layer() {
  using Ffn = moe::SwiGlu<double, Cpu>;
  moe::TokenMoE layer(moe::BiasedTopK{.k = 2}, moe::SoftmaxOverChosen{}, moe::Unlimited{},
                      moe::ExpertBank<Ffn>(5, width, 8), moe::SharedExpert<Ffn, moe::SigmoidGate>(width, 4));
  Draw draw("docs, scale");
  randomize(draw, layer, 0.5);
  return layer;
}
/// The rows of one rank; rank 1 has none.
Tensor rows_of(int rank, const char* what) {
  Draw draw(what, static_cast<std::uint32_t>(rank));
  return random_matrix<double, Cpu>(draw, rank == 1 ? 0 : 30, width);
}
void require_that(bool holds, const char* what) {
  if (!holds) throw std::runtime_error(what);
}
bool is_close(const Tensor& a, const Tensor& b) {
  for (moe::Index i = 0; i < a.size(); ++i)
    if (std::abs(a.data()[i] - b.data()[i]) > 1e-12 * (1 + std::abs(a.data()[i]))) return false;
  return a.size() == b.size();
}

}  // namespace

TEST_CASE("scale: experts of one layer on three ranks, and a training step", "[docs][scale]") {
  // One rank takes all ranks' rows, one rank after the other.
  const moe::CpuContext alone{.threads = 1};
  auto expected = drawn_layer();
  auto expected_gradient = moe::gradient_for(expected);
  std::vector<Tensor> expected_outputs;
  std::vector<decltype(expected)::Stats> expected_stats;
  for (int rank = 0; rank < 3; ++rank) {
    const Tensor x_TD = rows_of(rank, "docs, x"), d_y_TD = rows_of(rank, "docs, d_y");
    auto run = expected.forward(alone, x_TD, moe::Batch::single(x_TD.rows()));
    expected.backward(alone, d_y_TD, {}, std::move(run.saved), expected_gradient);
    expected_outputs.push_back(std::move(run.output));
    expected_stats.push_back(std::move(run.stats));
  }
  moe::AdamWState expected_state(alone, expected, expected_gradient);
  const double expected_norm = moe::global_norm(alone, expected_gradient);
  moe::AdamW{}.step(alone, 1e-3, 1, moe::clip_factor(expected_norm, 1), expected, expected_gradient, expected_state);
  for (const auto& stats : expected_stats) expected.update_buffers(alone, stats);

  CHECK_NOTHROW(run_ranks(3, [&](ThreadComm comm) {
    const int rank = comm.rank();
    const Tensor x_TD = rows_of(rank, "docs, x"), d_y_TD = rows_of(rank, "docs, d_y");
    const auto batch = moe::Batch::single(x_TD.rows());
    auto layer = drawn_layer();
    // [spread]
    moe::CpuContext context{.threads = 1};
    context.ranks = moe::ranks_over<Cpu>(std::move(comm));
    moe::place(layer, *context.ranks, moe::Placement::blocks(layer.bank.count(), context.ranks->size()));

    auto gradient = moe::gradient_for(layer);
    auto [y_TD, saved, stats] = layer.forward(context, x_TD, batch);
    layer.backward(context, d_y_TD, /*d_stats=*/{}, std::move(saved), gradient);
    // [/spread]
    require_that(is_close(y_TD, expected_outputs[static_cast<std::size_t>(rank)]), "another output");
    std::vector<decltype(layer)::Stats> all_stats;
    all_stats.push_back(std::move(stats));
    // [step]
    const auto owners = moe::Ownership::of(context, gradient);
    moe::AdamWState<Cpu, double> state;
    moe::with_owned(context, owners, gradient, [&] { state = moe::AdamWState<Cpu, double>(context, layer, gradient); });

    moe::reduce_to_owners(context, owners, gradient);
    const double norm = moe::global_norm(context, owners, gradient);
    const double scale = moe::clip_factor(norm, 1);
    moe::with_owned(context, owners, gradient,
                    [&] { moe::AdamW{}.step(context, 1e-3, 1, scale, layer, gradient, state); });
    moe::share_weights(context, owners, layer);
    moe::update_buffers(context, layer, all_stats);
    // [/step]
    require_that(std::abs(norm - expected_norm) < 1e-12 * expected_norm, "another norm");
    moe::for_each_tensor(
        [&](const Tensor& own, const Tensor& other) {
          require_that(own.empty() || is_close(own, other), "another weight");
        },
        layer, expected);
    require_that(same_bits(layer.routing.biases_E, expected.routing.biases_E), "another bias");
  }));
}

}  // namespace scale_test
