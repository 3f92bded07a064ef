/// The part of --dry-run that is about a GPU.
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "multipl_moe/cuda/devices.hpp"
#include "multipl_moe/train/device_plan.hpp"

namespace multipl_moe {

/// A training run on a GPU.
struct DeviceRun {
  std::string_view command;
  const ModelConfig& config;
  const std::function<bool(std::string_view)>& trains;
  const TrainingCounts& counts;
  MicroBatch batch;
  DeviceForm form;          ///< that the flags ask for
  const Gpu& gpu;           ///< without a name: of another machine
  std::int64_t tokens = 0;  ///< of the whole run
  std::int64_t copy = 0;    ///< bytes of a checkpoint's copy in memory of the machine; 0 without --async-checkpoint
  int ranks = 0;            ///< processes elsewhere, each with such a GPU; 0: this one
  int here = 1;             ///< processes of this machine that share its memory
};

/// Prints the memory of the run, the best plans, and the time of its tokens at a stated rate, all of it arithmetic.
void print_device_plan(const DeviceRun& run);
/// Adds `device`, `device_bytes`, `host_bytes`, `plans`, which has all plans, and `arithmetic`.
void add_device_plan(nlohmann::ordered_json& out, const DeviceRun& run);
/// Seconds of the whole run on one GPU, at the stated rate.
double seconds_on_one_gpu(const DeviceRun& run);
/// Bytes of memory of the machine that the run pins, without the copy of a checkpoint.
std::int64_t bytes_on_host(const DeviceRun& run);
/// Throws OutOfMemory, which names the flags that fit, if the GPU cannot hold the run as its flags ask for.
void require_device_memory(const DeviceRun& run);

/// A line of a plan: `  weights             20.05 GiB`, with `remark` at its end if it is given.
void print_bytes(const char* name, std::int64_t bytes, const std::string& remark = {});
/// The line of a checkpoint's copy for --async-checkpoint.
void print_copy(std::int64_t bytes);
/// The lines of weights, gradients, moments and activations, and of exchanges if there are any.
void print_parts(const MemoryPlan& plan);

}  // namespace multipl_moe
