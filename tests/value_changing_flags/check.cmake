# Compiles SOURCE to PROGRAM and runs PROGRAM to check NUMBERS.
#   cmake "-DCOMPILE=compiler;flags" -DSOURCE=... -DPROGRAM=... -DNUMBERS=... -P check.cmake
cmake_minimum_required(VERSION 3.25)
execute_process(COMMAND ${COMPILE} "${SOURCE}" -o "${PROGRAM}" RESULT_VARIABLE status ERROR_VARIABLE report)
if(NOT status STREQUAL "0")
  message(FATAL_ERROR "the program does not compile:\n${report}")
endif()
execute_process(COMMAND "${PROGRAM}" check "${NUMBERS}" RESULT_VARIABLE status OUTPUT_VARIABLE report)
if(NOT status STREQUAL "0")
  message(FATAL_ERROR "values are wrong (${status}):\n${report}")
endif()
