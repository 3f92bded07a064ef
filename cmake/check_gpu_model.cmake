# Compiles the model's operations for the oldest supported GPU and for Hopper, with warnings as errors, and fails if a
# kernel that shares rows among lanes (rows_kernel) uses local memory.
#   cmake -DNVCC=<nvcc> -DFLAGS=<flags> -DSOURCE=<file.cu> -DOUTPUT=<file> -P check_gpu_model.cmake
cmake_minimum_required(VERSION 3.25)

set(kernels 0)
foreach(architecture 80 90)
  execute_process(COMMAND "${NVCC}" ${FLAGS} -arch=sm_${architecture} -cubin -Xptxas=-v -o "${OUTPUT}" "${SOURCE}"
                  RESULT_VARIABLE status OUTPUT_VARIABLE log ERROR_VARIABLE log)
  file(REMOVE "${OUTPUT}")
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "sm_${architecture}: ${log}")
  endif()
  # ptxas prints one line with a kernel's name, and then one with its stack and spills.
  string(REGEX MATCHALL "Function properties for [^\n]*rows_kernel[^\n]*\n[^\n]*" properties "${log}")
  foreach(kernel IN LISTS properties)
    math(EXPR kernels "${kernels} + 1")
    if(NOT kernel MATCHES "\n *0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads")
      message(SEND_ERROR "sm_${architecture}: a kernel uses local memory: ${kernel}")
    endif()
  endforeach()
endforeach()
if(kernels EQUAL 0)
  message(FATAL_ERROR "no kernel was found in the output of ptxas: nothing was checked")
endif()
message(STATUS "${kernels} kernels were checked")
