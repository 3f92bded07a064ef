#pragma once

#include "moe/backend/contract/checked.hpp"
#include "moe/backend/cuda/accelerator.cuh"
#include "moe/backend/cuda/stream_device.cuh"
#include "moe/core/bfloat16.hpp"

namespace moe {

/// An NVIDIA GPU of compute capability 8.0 or newer: Thrust for sorting and scans, cuBLAS for products, kernels of our
/// own for the rest. The same GPU, toolkit and build give the same bits, run after run.
using Cuda = Accelerator<gpu::StreamDevice>;

static_assert(check_backend<Cuda, float, double, BFloat16>());

/// The context of the CUDA backend: `CudaContext context(stream);`.
using CudaContext = Cuda::Context;

}  // namespace moe
