#pragma once

#include "moe/core/requirements.hpp"

// Annotations for the CUDA compiler.

/// Marks a function that policies and operations call on every backend.
#ifdef __CUDACC__
#define MOE_HOST_DEVICE __host__ __device__
#else
#define MOE_HOST_DEVICE
#endif

/// Marks a lambda that an operation passes to a backend. In code for the CUDA compiler such a lambda is for the device
/// only: __host__ __device__ lambdas cannot have init-captures.
#ifdef __CUDACC__
#define MOE_ON_DEVICE __device__
#else
#define MOE_ON_DEVICE
#endif
