/// The device under check, as the stages see it: a GPU in the program, an emulated device in tests.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "multipl_moe/model/language_model.hpp"

namespace gpu_program {

/// One operation, timed alone; in some rounds.
struct TimedOperation {
  std::string what;
  double seconds = 0;  ///< the median
  double fastest = 0;  ///< seconds of the fastest round
  double flops = 0;    ///< of its products; 0: it is not limited by them
  double bytes = 0;    ///< read and written; 0: it is not limited by memory
};

/// Bytes of the device's memory.
struct MemoryFound {
  std::int64_t high_water = 0;     ///< the most that was in use at once, by all that use the device
  std::int64_t pool_used = 0;      ///< the most that matrices used at once of the pool of activations
  std::int64_t pool_reserved = 0;  ///< the most that the pool had reserved for them; 0: there is no pool
};

/// Sizes of a model's operations and of a micro-batch.
struct OperationSizes {
  multipl_moe::ModelConfig config;
  std::int64_t sequences = 1, length = 1;

  std::int64_t tokens() const { return sequences * length; }
};

struct Subject {
  /// What doctor reports of the machine.
  std::function<std::string()> machine;
  int threads = 1;
  /// A model in bfloat16 on the device.
  std::function<std::unique_ptr<multipl_moe::LanguageModel>(const multipl_moe::ModelConfig&)> make;
  /// The host waits for all work of the device.
  std::function<void()> wait;
  std::function<std::int64_t()> free_bytes;
  /// Since the start or the last forget_peak().
  std::function<MemoryFound()> memory;
  std::function<void()> forget_peak;
  /// The largest rates of the device: those of a copy ("copy") and of a dense product in bfloat16 ("dense product").
  std::function<std::vector<TimedOperation>()> ceilings;
  /// Attention, the loss and norms, forward and backward.
  std::function<std::vector<TimedOperation>(const OperationSizes&)> operations;
};

/// The GPU `index`, which must exist. In a build without the CUDA Toolkit it throws multipl_moe::Failure.
Subject cuda_subject(int index, int threads);

}  // namespace gpu_program
