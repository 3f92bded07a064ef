#include "bench/strategies/run.hpp"

#include <cuda_runtime.h>

#include <cstdint>

#include "moe/cuda.cuh"

namespace moe_bench {

namespace {

struct CudaDevice {
  using Backend = moe::Cuda;
  using Context = Backend::Context;

  static Context context(int /*threads*/) { return Context(); }
  /// All contexts share the device's memory pool.
  static Context alone(const Context& context) { return context; }
  static void wait(const Context& context) {
    moe::gpu::check(cudaStreamSynchronize(context.device->stream()), "moe_bench");
  }
  /// Peak bytes of the device's memory pool during `run`, minus the bytes in use before.
  template <class F>
  static Index bytes_of(const Context& context, const F& run) {
    wait(context);
    int device = 0;
    cudaMemPool_t pool = nullptr;
    moe::gpu::check(cudaGetDevice(&device), "moe_bench");
    moe::gpu::check(cudaDeviceGetDefaultMemPool(&pool, device), "moe_bench");
    std::uint64_t before = 0, most = 0;
    moe::gpu::check(cudaMemPoolGetAttribute(pool, cudaMemPoolAttrUsedMemCurrent, &before), "moe_bench");
    moe::gpu::check(cudaMemPoolSetAttribute(pool, cudaMemPoolAttrUsedMemHigh, &most), "moe_bench");
    run();
    wait(context);
    moe::gpu::check(cudaMemPoolGetAttribute(pool, cudaMemPoolAttrUsedMemHigh, &most), "moe_bench");
    return static_cast<Index>(most > before ? most - before : 0);
  }
};

}  // namespace

bool built_with_cuda() { return true; }

std::vector<StrategyResult> run_on_cuda(const std::vector<std::string>& names, const RunPlan& plan,
                                        const Progress& progress) {
  return run_strategies<CudaDevice>(all_strategies<CudaDevice::Backend>(), names, plan, progress);
}

}  // namespace moe_bench
