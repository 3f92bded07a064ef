# moe::cuda, the backend for NVIDIA GPUs. Read by our own build and by the installed package.
find_package(CUDAToolkit 12.8 QUIET)
if(CUDAToolkit_FOUND AND NOT TARGET moe::cuda)
  add_library(moe_cuda INTERFACE)
  add_library(moe::cuda ALIAS moe_cuda)
  target_link_libraries(moe_cuda INTERFACE moe::moe CUDA::cudart CUDA::cublas)
  # Operations hand lambdas to the device. CMake 3.25 does not know that nvcc 13 knows C++20, so the language is an option.
  target_compile_options(moe_cuda INTERFACE "$<$<COMPILE_LANGUAGE:CUDA>:--extended-lambda;-std=c++20>")
endif()
