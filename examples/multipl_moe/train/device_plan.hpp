/// Memory plans for training on a GPU, and the time that it takes at a given rate, computed before anything is
/// allocated. All figures are arithmetic.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "multipl_moe/io/model_config.hpp"
#include "multipl_moe/model/activation_checkpointing.hpp"
#include "multipl_moe/model/adamw_precision.hpp"
#include "multipl_moe/model/state_place.hpp"
#include "multipl_moe/train/memory_plan.hpp"

namespace multipl_moe {

/// What a training on a GPU can choose between. Weights and activations are bfloat16, gradients of weights float32.
struct DeviceForm {
  AdamWPrecision precision;  ///< master weights split or bfloat16
  ActivationCheckpointing checkpointing = ActivationCheckpointing::off;
  StatePlace state = StatePlace::device;

  /// `split master weights, float32 moments, gradient checkpointing, optimizer state in host memory`.
  std::string name() const;
  /// The command's flags for it: `--moments bfloat16 --gradient-checkpointing`; empty for the defaults.
  std::string flags() const;
  friend bool operator==(const DeviceForm&, const DeviceForm&) = default;
};
/// All sixteen, the best first: first those with the state on the device, then the more precise, then those without
/// gradient checkpointing.
std::vector<DeviceForm> all_device_forms();

/// Bytes by place and purpose.
struct DevicePlan {
  MemoryPlan device;
  std::int64_t reserve = 0;  ///< on the device: the CUDA context and workspaces of the libraries
  std::int64_t pinned = 0;   ///< in host memory

  std::int64_t on_device() const { return device.total() + reserve; }
};

/// The checkpointing of `batch` is that of `form`.
DevicePlan device_plan(const ModelConfig& config, const TrainingCounts& counts, MicroBatch batch,
                       const DeviceForm& form);

/// GPU memory of a CUDA context in bytes, which a process holds from its first call of CUDA on.
inline constexpr std::int64_t context_bytes = std::int64_t{1} << 29;
/// The same with the workspaces of the libraries.
inline constexpr std::int64_t device_reserve = context_bytes + (std::int64_t{1} << 30);

struct DeviceRow {
  DeviceForm form;
  DevicePlan plan;
  bool fits = false;
};
/// The plans of all forms, the best first: those that fit into `device` bytes of a GPU and `host` bytes of memory
/// (empty: unknown), in the order of all_device_forms(), then the others, the smallest on the device first.
std::vector<DeviceRow> device_rows(const ModelConfig& config, const TrainingCounts& counts, const MicroBatch& batch,
                                   std::int64_t device, std::optional<std::int64_t> host);

/// Floating point operations of a token in training, of the products only: 2 for a value of each matrix that it is
/// multiplied with, in the forward pass, for the gradient of its input, and for its own gradient if it trains; and
/// those of attention. Gradient checkpointing computes the forward pass of the layers again.
double training_operations(const ModelConfig& config, const std::function<bool(std::string_view)>& trains,
                           std::int64_t length, ActivationCheckpointing checkpointing);

}  // namespace multipl_moe
