# moe::cuda, the backend for NVIDIA GPUs. Included by this build and by the installed package.
find_package(CUDAToolkit 12.8 QUIET)
if(CUDAToolkit_FOUND AND NOT TARGET moe::cuda)
  add_library(moe_cuda INTERFACE)
  add_library(moe::cuda ALIAS moe_cuda)
  target_link_libraries(moe_cuda INTERFACE moe::moe CUDA::cudart CUDA::cublas)
  # Operations pass lambdas to the device. CMake 3.25 cannot request C++20 from nvcc 13, so the standard is given as a
  # compiler option.
  target_compile_options(moe_cuda INTERFACE "$<$<COMPILE_LANGUAGE:CUDA>:--extended-lambda;-std=c++20>")
endif()
