/// --device of the commands that run a model, and what it means for their other options.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "multipl_moe/cuda/devices.hpp"
#include "multipl_moe/io/free_memory.hpp"
#include "multipl_moe/model/device.hpp"
#include "multipl_moe/model/model_dtype.hpp"

namespace multipl_moe {

/// Adds --device.
void add_device_option(CLI::App& command, std::string& device);

/// The GPU that --device names, with its free memory, or empty for the CPU. Called before anything is read or written.
/// Throws UsageError for any other name, Failure as require_gpu().
std::optional<Gpu> require_device(const std::string& device);

/// What of `device` the results depend on: `cpu`, or the name of the GPU.
std::string hardware_of(const std::string& device);

/// The dtype that --dtype names; without it float32 on the CPU and bfloat16 on a GPU, which has no other: throws
/// UsageError for float32 there.
ModelDtype dtype_on(const std::string& device, const std::string& dtype);

/// Bytes of `gpu` that a command can use: its free memory and the context of this process, which plans count and the
/// free memory does not have; all of the GPU's memory if the free memory is unknown.
std::int64_t usable_bytes(const Gpu& gpu);

/// As require_free_memory(), for the memory of `gpu`. `parts` do not have the CUDA context and its libraries, which are
/// added.
void require_gpu_memory(std::string_view command, const Gpu& gpu, std::span<const MemoryPart> parts,
                        std::string_view advice);

}  // namespace multipl_moe
