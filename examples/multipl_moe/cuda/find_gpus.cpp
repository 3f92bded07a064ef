#include <cuda_runtime_api.h>
#include <fmt/format.h>

#include <cstddef>
#include <cstdlib>

#include "multipl_moe/cuda/cublas.hpp"
#include "multipl_moe/cuda/devices.hpp"
#include "multipl_moe/io/errors.hpp"

namespace multipl_moe {

namespace {

std::string version_text(int version) { return fmt::format("{}.{}", version / 1000, version % 1000 / 10); }

std::string why_none(cudaError_t status, int driver, int runtime) {
  if (driver == 0) return "no NVIDIA driver is installed (install one, and check it with nvidia-smi)";
  if (status == cudaErrorInsufficientDriver)
    return fmt::format(
        "the NVIDIA driver is too old: it supports CUDA {}, the program needs {} (install a newer driver)",
        version_text(driver), version_text(runtime));
  if (status == cudaErrorNoDevice || status == cudaSuccess) {
    const char* const visible = std::getenv("CUDA_VISIBLE_DEVICES");
    return visible != nullptr ? fmt::format("the NVIDIA driver shows no GPU, with CUDA_VISIBLE_DEVICES='{}' (unset it)",
                                            escaped(visible))
                              : std::string("the NVIDIA driver finds no GPU (nvidia-smi shows what it finds)");
  }
  return fmt::format("the CUDA runtime reports: {} (nvidia-smi shows the state of driver and GPUs)",
                     cudaGetErrorString(status));
}

}  // namespace

Gpus gpus() {
  int driver = 0, runtime = 0, count = 0;
  static_cast<void>(cudaRuntimeGetVersion(&runtime));
  static_cast<void>(cudaDriverGetVersion(&driver));
  cudaError_t status = driver == 0 ? cudaErrorInsufficientDriver : cudaGetDeviceCount(&count);
  Gpus found;
  found.runtime = version_text(runtime);
  if (driver != 0) found.driver = version_text(driver);
  for (int index = 0; status == cudaSuccess && index < count; ++index) {
    cudaDeviceProp properties{};
    status = cudaGetDeviceProperties(&properties, index);
    if (status == cudaSuccess)
      found.list.push_back({index, properties.name, properties.major, properties.minor,
                            static_cast<std::int64_t>(properties.totalGlobalMem), 0});
  }
  if (status != cudaSuccess) found.list.clear();
  if (found.list.empty()) found.none_because = why_none(status, driver, runtime);
  static_cast<void>(cudaGetLastError());
  if (!found.list.empty()) found.lacks = lacks_of_cublas();
  return found;
}

std::string find_free_memory(Gpu& gpu) {
  std::size_t free = 0, total = 0;
  // The GPU stays selected: to select another one again would take memory of that one.
  cudaError_t status = cudaSetDevice(gpu.index);
  if (status == cudaSuccess) status = cudaMemGetInfo(&free, &total);
  static_cast<void>(cudaGetLastError());
  if (status != cudaSuccess) return cudaGetErrorString(status);
  gpu.free_bytes = static_cast<std::int64_t>(free);
  return {};
}

}  // namespace multipl_moe
