#pragma once

#include "moe/backend/contract/checked.hpp"
#include "moe/backend/cuda/accelerator.cuh"
#include "moe/backend/cuda/stream_device.cuh"
#include "moe/core/bfloat16.hpp"

namespace moe {

/// CUDA backend for NVIDIA GPUs of compute capability 8.0 or newer: Thrust for sorting and scans, cuBLAS for products,
/// the library's own kernels for the rest. Runs on the same GPU, toolkit and build are bitwise identical.
using Cuda = Accelerator<gpu::StreamDevice>;

static_assert(check_backend<Cuda, float, double, BFloat16>());

/// The context of the CUDA backend: `CudaContext context(stream);`.
using CudaContext = Cuda::Context;

}  // namespace moe
