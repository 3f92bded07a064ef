# Compiles SOURCE, which begins with `// error: sentence`, and demands that it fails with that sentence in the first error.
# With a second line `// constraint: Name` the compiler must also say that this concept is not satisfied.
#   cmake "-DCOMPILE=compiler;flags" -DSOURCE=... [-DONLY=-E] -P check_compile_error.cmake
# ONLY is the flag that ends the work early, -fsyntax-only unless it is given.
cmake_minimum_required(VERSION 3.25)

file(READ "${SOURCE}" text)
if(NOT text MATCHES "^// error: ([^\n]+)\n")
  message(FATAL_ERROR "${SOURCE} must begin with a line '// error: sentence'")
endif()
set(sentence "${CMAKE_MATCH_1}")

# English, whatever the user speaks, and on one line, however wide the terminal.
set(ENV{LC_ALL} C)
if(NOT DEFINED ONLY)
  set(ONLY -fsyntax-only)
endif()
execute_process(COMMAND ${COMPILE} ${ONLY} "${SOURCE}" OUTPUT_QUIET RESULT_VARIABLE status ERROR_VARIABLE report)
if(status STREQUAL "0")
  message(FATAL_ERROR "${SOURCE} compiles")
endif()
if(NOT report MATCHES "(^|\n)([^\n]*error: [^\n]*)")
  message(FATAL_ERROR "the compiler ended with ${status} and without an error:\n${report}")
endif()
set(first "${CMAKE_MATCH_2}")
string(FIND "${first}" "${sentence}" found)
if(found EQUAL -1)
  message(NOTICE "---- promised\n${sentence}\n---- first error\n${first}\n----")
  message(FATAL_ERROR "${SOURCE}: another error comes first")
endif()
if(text MATCHES "^[^\n]*\n// constraint: ([^\n]+)\n")
  set(constraint "${CMAKE_MATCH_1}")
  # g++ says the first, clang++ the others.
  if(NOT report MATCHES "(for the satisfaction of|does not satisfy|because) '${constraint}['<]")
    message(NOTICE "---- promised\n${constraint}\n---- report\n${report}\n----")
    message(FATAL_ERROR "${SOURCE}: another constraint did not hold")
  endif()
endif()
