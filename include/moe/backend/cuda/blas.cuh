#pragma once

#include <cublas_v2.h>
#include <cuda_runtime.h>

#include <cstddef>

#include "moe/backend/cuda/allocate.cuh"
#include "moe/backend/cuda/check.cuh"
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

/// cuBLAS on one stream with its own workspace, so that concurrent products on several streams are bitwise identical to
/// sequential ones.
class Blas {
 public:
  /// Workspace size in bytes, as cuBLAS recommends for Hopper.
  static constexpr std::size_t workspace_size = std::size_t{32} << 20;

  /// Throws DeviceOutOfMemory if the workspace cannot be allocated.
  explicit Blas(cudaStream_t stream) {
    try {
      workspace_ = gpu::allocate(workspace_size, [](void** block) { return cudaMalloc(block, workspace_size); });
      check(cublasCreate(&handle_), "Cuda: cuBLAS");
      // Setting the stream resets the workspace, so the stream is set first.
      check(cublasSetStream(handle_, stream), "Cuda: cuBLAS");
      check(cublasSetWorkspace(handle_, workspace_, workspace_size), "Cuda: cuBLAS");
      // Partial sums of a split sum are added in the compute type, not in the storage type.
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

  /// One product. Accumulates in float, or in double for double operands; never in TF32.
  template <class In, class Out>
  void gemm(const Gemm<In, Out>& task) {
    const Accum<In> one = 1, before = task.adds ? 1 : 0;
    check(
        cublasGemmEx_64(handle_, operation(task.transpose_a), operation(task.transpose_b), task.m, task.n, task.k, &one,
                        task.a, detail::DataType<In>::type, task.lda, task.b, detail::DataType<In>::type, task.ldb,
                        &before, task.c, detail::DataType<Out>::type, task.ldc, compute<In>, CUBLAS_GEMM_DEFAULT),
        "Cuda: a product by cuBLAS");
  }

  /// `count` products of the shape of `task`. The device lists a, b and c hold the addresses of their matrices.
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
