/// Messages of commands that end because of the hardware: memory that did not suffice, a GPU that failed.
#pragma once

#include <new>
#include <string>

#include "moe/backend/cuda/errors.cuh"

namespace multipl_moe {

/// Names the memory that ran out, the host's or a GPU's, with its numbers if they are known, and what needs less.
std::string out_of_memory_text(const std::bad_alloc& error);

/// Gives the error of CUDA or cuBLAS in their words, and says how to go on.
std::string device_error_text(const moe::DeviceError& error);

}  // namespace multipl_moe
