# Compiles SOURCE, which begins with `// error: sentence`. The check passes if the compilation fails and its first
# error contains that sentence. With a second line `// constraint: Name` the compiler must also report that this
# concept is not satisfied.
#   cmake "-DCOMPILE=compiler;flags" -DSOURCE=... [-DONLY=-E] -P check_compile_error.cmake
# ONLY is the flag that stops the compiler early [-fsyntax-only].
cmake_minimum_required(VERSION 3.25)

file(READ "${SOURCE}" text)
if(NOT text MATCHES "^// error: ([^\n]+)\n")
  message(FATAL_ERROR "${SOURCE} must begin with a line '// error: sentence'")
endif()
set(sentence "${CMAKE_MATCH_1}")

# Messages in English and on one line, independent of the user's locale and of the width of the terminal.
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
  message(NOTICE "---- expected\n${sentence}\n---- first error\n${first}\n----")
  message(FATAL_ERROR "${SOURCE}: another error comes first")
endif()
if(text MATCHES "^[^\n]*\n// constraint: ([^\n]+)\n")
  set(constraint "${CMAKE_MATCH_1}")
  # The first form is g++'s, the others are clang++'s.
  if(NOT report MATCHES "(for the satisfaction of|does not satisfy|because) '${constraint}['<]")
    message(NOTICE "---- expected\n${constraint}\n---- report\n${report}\n----")
    message(FATAL_ERROR "${SOURCE}: another constraint did not hold")
  endif()
endif()
