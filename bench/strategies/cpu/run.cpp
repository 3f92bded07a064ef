#include "bench/strategies/run.hpp"

#include "moe/backend/cpu/cpu.hpp"

namespace moe_bench {

namespace {

struct CpuDevice {
  using Backend = moe::Cpu<>;
  using Context = Backend::Context;

  static Context context(int threads) {
    Context context;
    context.threads = threads;
    return context;
  }
  /// The same with a new, unused memory pool.
  static Context alone(const Context& context) {
    Context own = context;
    own.pool = std::make_shared<moe::cpu::Pool>();
    return own;
  }
  static void wait(const Context&) {}
  /// Bytes that the pool allocates from the system for `run`, which returns all its blocks. The pool reuses blocks of
  /// fitting sizes.
  template <class F>
  static Index bytes_of(const Context& context, const F& run) {
    run();
    return context.pool->kept().bytes;
  }
};

}  // namespace

std::vector<StrategyInfo> list_strategies() {
  const Sizes tiny{.width = 4, .hidden = 4, .experts = 4, .chosen = 2, .window = 2, .languages = 2};
  std::vector<StrategyInfo> list;
  for (const auto& strategy : all_strategies<CpuDevice::Backend>()) {
    const auto layer = strategy.make(tiny);
    list.push_back({strategy.name, strategy.routing, layer.is_causal(), layer.is_batch_invariant()});
  }
  return list;
}

std::vector<StrategyResult> run_on_cpu(const std::vector<std::string>& names, const RunPlan& plan,
                                       const Progress& progress) {
  return run_strategies<CpuDevice>(all_strategies<CpuDevice::Backend>(), names, plan, progress);
}

}  // namespace moe_bench
