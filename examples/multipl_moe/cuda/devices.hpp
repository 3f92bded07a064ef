/// The GPUs of this machine that the program can use, or the reason why there is none. Whether the program was built
/// with the CUDA Toolkit, gpus() always answers: it needs neither a driver nor a GPU.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "multipl_moe/model/device.hpp"

namespace multipl_moe {

struct Gpu {
  int index = 0;  ///< N of `cuda:N`
  std::string name;
  int major = 0, minor = 0;  ///< compute capability
  std::int64_t memory_bytes = 0;
  std::int64_t free_bytes = 0;  ///< 0: unknown, see find_free_memory()

  /// Whether the layers run on it: they need bfloat16, which GPUs have from compute capability 8.0 on.
  bool is_supported() const { return major >= 8; }
};

struct Gpus {
  std::vector<Gpu> list;
  std::string none_because;  ///< a sentence without its period, with what to do; empty if the list is not
  std::string driver;        ///< newest CUDA version that the driver supports, such as 13.0; empty: no driver
  std::string runtime;       ///< CUDA version of the program; empty: built without CUDA
  std::string lacks;         ///< a library that models on a GPU need, and how to get it; empty: nothing is missing
};

/// Asks the driver for the GPUs. Free memory is not asked for.
Gpus gpus();
/// Finds the free memory of a GPU. Takes some hundred MB of it until the process ends. Returns why the GPU cannot be
/// used, such as that another process has all of its memory; empty if it can.
std::string find_free_memory(Gpu& gpu);

/// `cuda:0 NVIDIA H200, compute capability 9.0, 139.81 GiB`, and the free memory if it is known.
std::string text_of(const Gpu& gpu);

/// The GPU of `found` that `device` names. Throws Failure with the GPUs that are there, or why none is, if it is not
/// there or not supported; also if a library is missing.
const Gpu& require_gpu(const Device& device, const Gpus& found);

}  // namespace multipl_moe
