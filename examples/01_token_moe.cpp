// A minimal layer: the router selects 2 of 6 experts for each of 4 rows of width 8.
//
// Expected output:
//   4 rows in, 4 rows of width 8 out
//   rows per expert: 0 2 1 1 4 0
//   balance loss 2.194
#include <cstdio>
#include <moe/moe.hpp>
#include <vector>

int main() {
  using Experts = moe::ExpertBank<moe::SwiGlu<float, moe::Cpu<>>>;
  const moe::CpuContext context;

  moe::TokenMoE layer(moe::TopK{.k = 2}, moe::SoftmaxOverChosen{}, moe::Unlimited{}, Experts(6, 8, 16));
  moe::initialize(context, layer, /*seed=*/1, /*deviation=*/0.5);

  std::vector<float> x(4 * 8);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i % 7) - 3;

  const auto [y_TD, saved, stats] = layer.forward(context, {x.data(), 4, 8}, moe::Batch::single(4));

  std::printf("4 rows in, %d rows of width %d out\n", int(y_TD.rows()), int(y_TD.cols()));
  std::printf("rows per expert:");
  for (const moe::Index rows : stats.load) std::printf(" %d", int(rows));
  std::printf("\nbalance loss %.3f\n", stats.balance_loss());
}
