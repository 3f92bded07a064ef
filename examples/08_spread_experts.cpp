// Experts that live on several ranks. Start it with `mpirun -n 2 08_spread_experts`: each process has the weights of
// half the experts and runs its own rows, which travel to their experts and back. Link moe::mpi.
//
// Expected output:
//   rank 0 of 2 has the weights of experts 0 1 2 3
//   load of the experts by its 24 rows: 4 8 10 9 5 2 6 4
//   norm of the gate's gradient, summed over ranks: 1161.3
#include <cstdio>
#include <exception>
#include <moe/moe.hpp>
#include <moe/mpi.hpp>
#include <utility>
#include <vector>

void train(const moe::CpuContext& context) {
  const int rank = context.ranks->rank();
  using Experts = moe::ExpertBank<moe::SwiGlu<float, moe::Cpu<>>>;
  moe::TokenMoE layer(moe::TopK{.k = 2}, moe::SoftmaxOverChosen{}, moe::Unlimited{}, Experts(8, 16, 32));
  moe::initialize(context, layer, /*seed=*/1, /*deviation=*/0.5);
  moe::place(layer, *context.ranks, moe::Placement::blocks(8, context.ranks->size()));

  std::vector<float> x;  // other rows on each rank
  for (int i = 0; i < 24 * 16; ++i) x.push_back(static_cast<float>((7 * i + i / 16 + 3 * rank) % 11) / 5 - 1);
  auto [y_TD, saved, stats] = layer.forward(context, {x.data(), 24, 16}, moe::Batch::single(24));
  auto gradient = moe::gradient_for(layer);
  layer.backward(context, y_TD, {.balance = 0.01}, std::move(saved), gradient);
  // The experts' gradients are those of all rows already. The gate is on every rank, with a gradient of its rows.
  moe::sum_replicated(context, gradient);

  if (rank != 0) return;
  std::printf("rank 0 of %d has the weights of experts", context.ranks->size());
  for (std::size_t e = 0; e < 8; ++e)
    if (!layer.bank.experts[e].gate_proj.empty()) std::printf(" %d", int(e));
  std::printf("\nload of the experts by its 24 rows:");
  for (const moe::Index rows : stats.load) std::printf(" %d", int(rows));
  std::printf("\nnorm of the gate's gradient, summed over ranks: %.1f\n",
              double(moe::as_eigen(gradient.routing.gate.weight).norm()));
}

// [main]
int main() {
  moe::MpiComm comm;
  try {
    moe::CpuContext context;
    context.ranks = moe::ranks_over<moe::Cpu<>>(comm);
    train(context);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "rank %d: %s\n", comm.rank(), error.what());
    comm.abort(1);  // the other ranks would wait for this one
  }
}
// [/main]
