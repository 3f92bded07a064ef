# Fails unless both programs print the same, with at least one line for an instruction set.
#   cmake -DPLAIN=... -DMIXED=... -P compare.cmake
cmake_minimum_required(VERSION 3.25)
foreach(name PLAIN MIXED)
  execute_process(COMMAND "${${name}}" RESULT_VARIABLE status OUTPUT_VARIABLE hashes_of_${name})
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "${${name}} ended with ${status}: its two files disagree\n${hashes_of_${name}}")
  endif()
endforeach()
if(NOT hashes_of_PLAIN MATCHES "^baseline " OR NOT hashes_of_PLAIN STREQUAL hashes_of_MIXED)
  message(FATAL_ERROR "without flags\n${hashes_of_PLAIN}with files of different flags\n${hashes_of_MIXED}")
endif()
