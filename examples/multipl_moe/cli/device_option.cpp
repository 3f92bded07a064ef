#include "multipl_moe/cli/device_option.hpp"

#include <fmt/format.h>

#include <vector>

#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/train/device_plan.hpp"

namespace multipl_moe {

void add_device_option(CLI::App& command, std::string& device) {
  command
      .add_option("--device", device,
                  "where the model is and computes: cpu; cuda: the first GPU; cuda:N: the GPU of this number, in "
                  "bfloat16. `doctor` lists the GPUs")
      ->capture_default_str()
      ->type_name("NAME");
}

std::optional<Gpu> require_device(const std::string& name) {
  const Device device = device_named(name);
  if (device.kind == Device::Kind::cpu) return std::nullopt;
  Gpu gpu = require_gpu(device, gpus());
  if (const std::string reason = find_free_memory(gpu); !reason.empty())
    throw Failure(
        fmt::format("[--device] {} must be free to be used, found that CUDA reports: {} (nvidia-smi shows which "
                    "processes use it)",
                    name_of(device), reason));
  return gpu;
}

std::string hardware_of(const std::string& name) {
  const Device device = device_named(name);
  return device.kind == Device::Kind::cpu ? "cpu" : require_gpu(device, gpus()).name;
}

ModelDtype dtype_on(const std::string& name, const std::string& dtype) {
  const Device device = device_named(name);
  const bool is_gpu = device.kind == Device::Kind::cuda;
  const ModelDtype usual = is_gpu ? ModelDtype::bfloat16 : ModelDtype::float32;
  const ModelDtype wanted = dtype.empty() ? usual : model_dtype_named(dtype);
  if (is_gpu && wanted != usual)
    throw UsageError(
        fmt::format("[--dtype] must be bfloat16 with --device {}, found {}: on a GPU weights and activations are "
                    "bfloat16, and sums, routing, losses and the gradients of weights float32; without --dtype it is "
                    "bfloat16",
                    name_of(device), name_of(wanted)));
  return wanted;
}

std::int64_t usable_bytes(const Gpu& gpu) {
  return gpu.free_bytes > 0 ? gpu.free_bytes + context_bytes : gpu.memory_bytes;
}

void require_gpu_memory(std::string_view command, const Gpu& gpu, std::span<const MemoryPart> parts,
                        std::string_view advice) {
  std::vector<MemoryPart> all(parts.begin(), parts.end());
  all.push_back({"CUDA and its libraries", device_reserve, true});
  require_memory_of(fmt::format("cuda:{}", gpu.index), usable_bytes(gpu), command, all, advice);
}

}  // namespace multipl_moe
