/// The GPU functions of a program that was built without CUDA.
#include "bench/strategies/result.hpp"
#include "moe/core/require.hpp"

namespace moe_bench {

bool built_with_cuda() { return false; }

std::vector<StrategyResult> run_on_cuda(const std::vector<std::string>&, const RunPlan&, const Progress&) {
  throw moe::Error("[moe_bench] this program was built without CUDA");
}

}  // namespace moe_bench
