# The rule for names of tests: ctest gives each to its program as an argument, which takes a name that begins with "-"
# for an option and runs nothing.
#   cmake -DROOT=<folder of tests> -P check_test_names.cmake
cmake_minimum_required(VERSION 3.25)

cmake_path(ABSOLUTE_PATH ROOT)
file(GLOB_RECURSE files RELATIVE "${ROOT}" "${ROOT}/*.cpp" "${ROOT}/*.hpp")
list(FILTER files EXCLUDE REGEX "(^|/)planted")
list(SORT files)

set(violations 0)
foreach(file IN LISTS files)
  file(READ "${ROOT}/${file}" text)
  string(REGEX MATCHALL "TEST_CASE\\(\"-[^\"]*\"" found "${text}")
  foreach(test IN LISTS found)
    message(NOTICE "${file}: ${test}: write a name that does not begin with -")
    math(EXPR violations "${violations} + 1")
  endforeach()
endforeach()

if(NOT files)
  message(FATAL_ERROR "no files under ${ROOT}: nothing was checked")
elseif(violations GREATER 0)
  message(FATAL_ERROR "${violations} names of tests violate the rule")
endif()
