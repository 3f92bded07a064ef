#include "multipl_moe/cli/out_of_memory.hpp"

#include <fmt/format.h>

#include <string_view>

#include "moe/backend/cuda/out_of_memory.cuh"

namespace multipl_moe {

namespace {

/// The numbers in the library's text, after the place that it begins with.
std::string_view numbers_of(std::string_view text) {
  const std::size_t end = text.find("] ");
  return end == std::string_view::npos ? text : text.substr(end + 2);
}

}  // namespace

std::string out_of_memory_text(const std::bad_alloc& error) {
  if (dynamic_cast<const moe::DeviceOutOfMemory*>(&error) != nullptr)
    return fmt::format(
        "[--device] the GPU must have room for the model and its pass, found it {}. A smaller --batch-size or "
        "--sequence-length needs less, and in training --gradient-checkpointing, --moments bfloat16 or "
        "--optimizer-state host: --dry-run lists the plans that fit. Checkpoints that a run has saved are whole; "
        "--resume goes on from the newest",
        numbers_of(error.what()));
  if (dynamic_cast<const moe::PinnedOutOfMemory*>(&error) != nullptr)
    return fmt::format(
        "[--optimizer-state] host needs memory of the host that a GPU can read directly, found it {}. "
        "--optimizer-state device needs none, and --moments bfloat16 needs half. Checkpoints that a run has saved are "
        "whole; --resume goes on from the newest",
        numbers_of(error.what()));
  return "out of memory: a smaller --batch-size or --sequence-length needs less";
}

}  // namespace multipl_moe
