#include "multipl_moe/cli/hardware_errors.hpp"

#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "multipl_moe/io/byte_text.hpp"

namespace multipl_moe {

namespace {

constexpr const char* after_it = "a run's checkpoints are whole, and --resume goes on from the newest";

std::string in_training() {
  return fmt::format(
      "in training --gradient-checkpointing and --moments bfloat16 do too, and --dry-run lists what fits; {}",
      after_it);
}

std::string amount_of(std::size_t count) { return memory_text(static_cast<std::int64_t>(count)); }

}  // namespace

std::string out_of_memory_text(const std::bad_alloc& error) {
  if (const auto* of_gpu = dynamic_cast<const moe::DeviceOutOfMemory*>(&error))
    return fmt::format(
        "[--device] the GPU's memory must hold the model and its pass: {} were requested, found {} of {} free. A "
        "smaller --batch-size or shorter texts need less; {}, as does --optimizer-state host",
        amount_of(of_gpu->wanted()), amount_of(of_gpu->free()), amount_of(of_gpu->total()), in_training());
  if (const auto* pinned = dynamic_cast<const moe::PinnedOutOfMemory*>(&error))
    return fmt::format(
        "[--device] a GPU copies from and to memory of the machine that cannot be swapped: {} of it were requested, "
        "found less (limited by what is free and by the container). In training --optimizer-state device needs little "
        "of it; {}",
        amount_of(pinned->wanted()), in_training());
  return fmt::format("out of memory of the machine: a smaller --batch-size or --sequence-length needs less; {}",
                     in_training());
}

std::string device_error_text(const moe::DeviceError& error) {
  // The library names its own function in brackets first.
  std::string_view reason = error.what();
  if (reason.starts_with('[')) reason.remove_prefix(reason.find(' ') + 1);
  return fmt::format(
      "[--device] the GPU must finish the work of this command, found the error {}; {}. If it comes again, nvidia-smi "
      "shows whether the GPU is healthy and which processes use it, and --device cpu computes on the CPU",
      reason, after_it);
}

}  // namespace multipl_moe
