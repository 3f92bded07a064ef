#pragma once

#include <cublas_v2.h>
#include <cuda_runtime.h>

#include <cstddef>

#include "moe/backend/cuda/allocate.cuh"
#include "moe/backend/cuda/device_error.cuh"
#include "moe/backend/cuda/product.cuh"
#include "moe/core/bfloat16.hpp"

namespace moe::gpu {

namespace detail {
template <class Value>
struct DataType;
template <>
struct DataType<float> {
  static constexpr cudaDataType type = CUDA_R_32F;
};
template <>
struct DataType<double> {
  static constexpr cudaDataType type = CUDA_R_64F;
};
template <>
struct DataType<BFloat16> {
  static constexpr cudaDataType type = CUDA_R_16BF;
};
}  // namespace detail

/// cuBLAS on one stream, with a workspace of its own: products on several streams at once then have the same bits as
/// one after the other.
class Blas {
 public:
  /// Bytes of the workspace, which is what cuBLAS recommends for Hopper.
  static constexpr std::size_t workspace_size = std::size_t{32} << 20;

  /// Throws DeviceOutOfMemory where there is no room for the workspace.
  explicit Blas(cudaStream_t stream) {
    try {
      workspace_ = gpu::allocate(workspace_size, [](void** block) { return cudaMalloc(block, workspace_size); });
      check(cublasCreate(&handle_), "Cuda: cuBLAS");
      // A new stream resets the workspace, so it comes first.
      check(cublasSetStream(handle_, stream), "Cuda: cuBLAS");
      check(cublasSetWorkspace(handle_, workspace_, workspace_size), "Cuda: cuBLAS");
      // Where a sum is split, its parts are added in the type it is computed in, not in the one it is kept in.
      check(cublasSetMathMode(handle_, static_cast<cublasMath_t>(CUBLAS_DEFAULT_MATH |
                                                                 CUBLAS_MATH_DISALLOW_REDUCED_PRECISION_REDUCTION)),
            "Cuda: cuBLAS");
    } catch (...) {
      close();
      throw;
    }
  }
  Blas(const Blas&) = delete;
  Blas& operator=(const Blas&) = delete;
  ~Blas() { close(); }

  /// Sums in float, or in double for doubles; never in TF32.
  template <class In, class Out>
  void gemm(const Gemm<In, Out>& task) {
    const Accum<In> one = 1, before = task.adds ? 1 : 0;
    check(
        cublasGemmEx_64(handle_, operation(task.transpose_a), operation(task.transpose_b), task.m, task.n, task.k, &one,
                        task.a, detail::DataType<In>::type, task.lda, task.b, detail::DataType<In>::type, task.ldb,
                        &before, task.c, detail::DataType<Out>::type, task.ldc, compute<In>, CUBLAS_GEMM_DEFAULT),
        "Cuda: a product by cuBLAS");
  }

  /// Products of the shape of `task`, whose matrices are at a[i], b[i] and c[i]: lists in device memory.
  template <class In, class Out>
  void gemm_batch(const Gemm<In, Out>& task, const void* const* a, const void* const* b, void* const* c, Index count) {
    const Accum<In> one = 1, before = task.adds ? 1 : 0;
    check(cublasGemmBatchedEx_64(handle_, operation(task.transpose_a), operation(task.transpose_b), task.m, task.n,
                                 task.k, &one, a, detail::DataType<In>::type, task.lda, b, detail::DataType<In>::type,
                                 task.ldb, &before, c, detail::DataType<Out>::type, task.ldc, count, compute<In>,
                                 CUBLAS_GEMM_DEFAULT),
          "Cuda: products by cuBLAS");
  }

 private:
  template <class In>
  static constexpr auto compute = sizeof(Accum<In>) == 8 ? CUBLAS_COMPUTE_64F : CUBLAS_COMPUTE_32F;
  void close() noexcept {
    if (handle_ != nullptr) cublasDestroy(handle_);
    if (workspace_ != nullptr) cudaFree(workspace_);
  }
  static cublasOperation_t operation(bool transpose) { return transpose ? CUBLAS_OP_T : CUBLAS_OP_N; }

  cublasHandle_t handle_ = nullptr;
  void* workspace_ = nullptr;
};

}  // namespace moe::gpu
