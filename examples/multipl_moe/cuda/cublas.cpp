/// The functions of cuBLAS that the GPU backend calls, loaded when the first one is called.
#include "multipl_moe/cuda/cublas.hpp"

#include <cublas_v2.h>

#include <cstdint>

#include "multipl_moe/cuda/shared_library.hpp"

namespace multipl_moe {

namespace {

constexpr int major = CUBLAS_VER_MAJOR;

const SharedLibrary& loaded() {
  static const SharedLibrary library{"libcublas.so." + std::to_string(major)};
  return library;
}

template <class Function>
Function* function(const char* name) {
  return loaded().function<Function>(name);
}

template <class Function, class... Arguments>
cublasStatus_t call(Function* found, Arguments... arguments) {
  return found == nullptr ? CUBLAS_STATUS_NOT_INITIALIZED : found(arguments...);
}

}  // namespace

std::string lacks_of_cublas() {
  if (loaded().handle != nullptr) return {};
  // The packages of PyPI have the version in their names up to CUDA 12.
  const std::string of_pip = major < 13 ? "nvidia-cublas-cu" + std::to_string(major) : "nvidia-cublas";
  return loaded().name + ", found that the system does not load it: " + loaded().reason +
         " (apt-get install libcublas-" + std::to_string(CUDART_VERSION / 1000) + "-" +
         std::to_string(CUDART_VERSION % 1000 / 10) + ", or pip install " + of_pip +
         " and name its folder in LD_LIBRARY_PATH)";
}

}  // namespace multipl_moe

extern "C" {

using multipl_moe::call;
using multipl_moe::function;

cublasStatus_t cublasCreate_v2(cublasHandle_t* handle) {
  static auto* const found = function<decltype(cublasCreate_v2)>("cublasCreate_v2");
  return call(found, handle);
}
cublasStatus_t cublasDestroy_v2(cublasHandle_t handle) {
  static auto* const found = function<decltype(cublasDestroy_v2)>("cublasDestroy_v2");
  return call(found, handle);
}
cublasStatus_t cublasSetStream_v2(cublasHandle_t handle, cudaStream_t stream) {
  static auto* const found = function<decltype(cublasSetStream_v2)>("cublasSetStream_v2");
  return call(found, handle, stream);
}
cublasStatus_t cublasSetWorkspace_v2(cublasHandle_t handle, void* workspace, std::size_t bytes) {
  static auto* const found = function<decltype(cublasSetWorkspace_v2)>("cublasSetWorkspace_v2");
  return call(found, handle, workspace, bytes);
}
cublasStatus_t cublasSetMathMode(cublasHandle_t handle, cublasMath_t mode) {
  static auto* const found = function<decltype(cublasSetMathMode)>("cublasSetMathMode");
  return call(found, handle, mode);
}
cublasStatus_t cublasGemmEx_64(cublasHandle_t handle, cublasOperation_t transpose_a, cublasOperation_t transpose_b,
                               std::int64_t m, std::int64_t n, std::int64_t k, const void* alpha, const void* a,
                               cudaDataType type_a, std::int64_t stride_a, const void* b, cudaDataType type_b,
                               std::int64_t stride_b, const void* beta, void* c, cudaDataType type_c,
                               std::int64_t stride_c, cublasComputeType_t compute, cublasGemmAlgo_t algorithm) {
  static auto* const found = function<decltype(cublasGemmEx_64)>("cublasGemmEx_64");
  return call(found, handle, transpose_a, transpose_b, m, n, k, alpha, a, type_a, stride_a, b, type_b, stride_b, beta,
              c, type_c, stride_c, compute, algorithm);
}
cublasStatus_t cublasGemmBatchedEx_64(cublasHandle_t handle, cublasOperation_t transpose_a,
                                      cublasOperation_t transpose_b, std::int64_t m, std::int64_t n, std::int64_t k,
                                      const void* alpha, const void* const a[], cudaDataType type_a,
                                      std::int64_t stride_a, const void* const b[], cudaDataType type_b,
                                      std::int64_t stride_b, const void* beta, void* const c[], cudaDataType type_c,
                                      std::int64_t stride_c, std::int64_t count, cublasComputeType_t compute,
                                      cublasGemmAlgo_t algorithm) {
  static auto* const found = function<decltype(cublasGemmBatchedEx_64)>("cublasGemmBatchedEx_64");
  return call(found, handle, transpose_a, transpose_b, m, n, k, alpha, a, type_a, stride_a, b, type_b, stride_b, beta,
              c, type_c, stride_c, count, compute, algorithm);
}
const char* cublasGetStatusName(cublasStatus_t status) {
  static auto* const found = function<decltype(cublasGetStatusName)>("cublasGetStatusName");
  return found == nullptr ? "CUBLAS_STATUS_NOT_INITIALIZED" : found(status);
}
const char* cublasGetStatusString(cublasStatus_t status) {
  static auto* const found = function<decltype(cublasGetStatusString)>("cublasGetStatusString");
  return found == nullptr ? "the library is not installed" : found(status);
}

}  // extern "C"
