#include "multipl_moe/cuda/devices.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "multipl_moe/io/byte_text.hpp"
#include "multipl_moe/io/errors.hpp"

namespace multipl_moe {

std::string text_of(const Gpu& gpu) {
  return fmt::format("cuda:{} {}, compute capability {}.{}, {}{}{}", gpu.index, escaped(gpu.name), gpu.major, gpu.minor,
                     gib(gpu.memory_bytes), gpu.free_bytes > 0 ? fmt::format(", {} free", gib(gpu.free_bytes)) : "",
                     gpu.is_supported() ? "" : " (too old: the layers need 8.0 or newer)");
}

const Gpu& require_gpu(const Device& device, const Gpus& found) {
  if (found.list.empty())
    throw Failure(fmt::format("[--device] {} cannot be used: {}; --device cpu computes on the CPU", name_of(device),
                              found.none_because));
  const auto gpu = std::find_if(found.list.begin(), found.list.end(),
                                [&device](const Gpu& each) { return each.index == device.index; });
  std::string there;
  for (const Gpu& each : found.list) there += "\n  " + text_of(each);
  if (gpu == found.list.end())
    throw Failure(
        fmt::format("[--device] must name a GPU of this machine, found {}; there is{}", name_of(device), there));
  if (!gpu->is_supported())
    throw Failure(
        fmt::format("[--device] must name a GPU of compute capability 8.0 (Ampere) or newer, which computes with "
                    "bfloat16, found {} with {}.{}; there is{}",
                    name_of(device), gpu->major, gpu->minor, there));
  if (!found.lacks.empty())
    throw Failure(fmt::format("[--device] {} cannot be used without {}; --device cpu computes on the CPU",
                              name_of(device), found.lacks));
  return *gpu;
}

}  // namespace multipl_moe
