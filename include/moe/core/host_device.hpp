#pragma once

/// Marks a function that policies and operations run on every backend. This is the library's only look at the CUDA
/// compiler.
#ifdef __CUDACC__
#define MOE_HOST_DEVICE __host__ __device__
#else
#define MOE_HOST_DEVICE
#endif
