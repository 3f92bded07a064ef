/// Runs one routing operation once, so that callgrind counts its instructions: count OPERATION
#include <cstdio>
#include <functional>
#include <map>
#include <string>

#include "moe/backend/cpu/cpu.hpp"
#include "moe/ops/dispatch.hpp"
#include "moe/routing/capacity/unlimited.hpp"
#include "moe/routing/gating.hpp"
#include "moe/routing/normalizer/softmax_over_chosen.hpp"
#include "moe/routing/router/top_k.hpp"

using namespace moe;
using B = Cpu<>;
using Tensor = Matrix<float, B>;

/// Callgrind counts the instructions of this function, which it finds by its name.
extern "C" [[gnu::noinline]] void counted(const std::function<void()>& run) { run(); }

int main(int argc, char** argv) {
  constexpr Index rows = 1024, width = 512, experts = 8;
  const CpuContext context{.threads = 1};
  Tensor x_TD(rows, width), y_TD(rows, width), gate_ED(experts, width);
  const RandomKey key{1, 2, 3};
  for (Index i = 0; i < x_TD.size(); ++i)
    x_TD.data()[i] = static_cast<float>(random_normal(key, static_cast<std::uint64_t>(i)));
  Gating<TopK, SoftmaxOverChosen, Unlimited, float, B> gating({.k = 2}, {}, {}, width, experts);
  for (Index i = 0; i < gating.gate.weight.size(); ++i)
    gating.gate.weight.data()[i] = static_cast<float>(random_normal(key, static_cast<std::uint64_t>(1'000'000 + i)));
  const auto decision = gating.decide<Training>(context, x_TD, {});
  const auto plan = B::group_by_expert(context, decision.choice.chosen_RE);
  const auto gates_1N = gates_of_pairs<float, B>(context, decision.gates_RE.view(), plan);
  Tensor x_ND(plan.pairs(), width);
  const std::map<std::string, std::function<void()>> operations = {
      {"route", [&] { gating.decide<Training>(context, x_TD, {}); }},
      {"permute",
       [&] {
         const auto again = B::group_by_expert(context, decision.choice.chosen_RE);
         B::gather_rows(context, x_TD, again, x_ND.view());
       }},
      {"combine", [&] { B::combine_rows(context, x_ND, gates_1N, plan, y_TD.view()); }},
  };
  const auto found = operations.find(argc == 2 ? argv[1] : "");
  if (found == operations.end()) {
    std::fputs("usage: count route|permute|combine\n", stderr);
    return 2;
  }
  counted(found->second);
  return 0;
}
