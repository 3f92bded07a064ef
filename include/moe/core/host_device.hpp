#pragma once

#include "moe/core/requirements.hpp"

// What the CUDA compiler has to be told.

/// Marks a function that policies and operations run on every backend.
#ifdef __CUDACC__
#define MOE_HOST_DEVICE __host__ __device__
#else
#define MOE_HOST_DEVICE
#endif

/// Marks a lambda that an operation hands to a backend. What the CUDA compiler sees works on the device alone: only
/// such lambdas may make their captures where they are written.
#ifdef __CUDACC__
#define MOE_ON_DEVICE __device__
#else
#define MOE_ON_DEVICE
#endif
