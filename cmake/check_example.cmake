# Runs PROGRAM and compares its stdout, byte for byte, with the expected output in the header comment of SOURCE: the
# lines between `// Expected output:` and the end of that comment, each after `//   `.
#   cmake -DPROGRAM=... -DSOURCE=... [-DLAUNCHER=mpirun;-n;2] -P check_example.cmake
cmake_minimum_required(VERSION 3.25)

file(READ "${SOURCE}" text)
set(heading "// Expected output:\n")
string(FIND "${text}" "${heading}" start)
if(start EQUAL -1)
  message(FATAL_ERROR "${SOURCE}: its header comment has no line '// Expected output:'")
endif()
string(LENGTH "${heading}" length)
math(EXPR start "${start} + ${length}")
string(SUBSTRING "${text}" ${start} -1 text)

# Line by line with substrings: a list would lose semicolons and brackets of the output.
set(expected "")
while(text MATCHES "^//([^\n]*)\n")
  set(line "${CMAKE_MATCH_1}")
  string(LENGTH "${CMAKE_MATCH_0}" length)
  string(SUBSTRING "${text}" ${length} -1 text)
  string(REGEX REPLACE "^   " "" line "${line}")
  string(APPEND expected "${line}\n")
endwhile()

execute_process(COMMAND ${LAUNCHER} "${PROGRAM}" OUTPUT_VARIABLE actual RESULT_VARIABLE status)
if(NOT status STREQUAL "0")
  message(FATAL_ERROR "${PROGRAM} ended with exit code ${status} and printed\n${actual}")
endif()
if(NOT actual STREQUAL expected)
  message(NOTICE "---- expected\n${expected}---- printed\n${actual}----")
  message(FATAL_ERROR "the output of ${PROGRAM} differs from the expected output in ${SOURCE}")
endif()
