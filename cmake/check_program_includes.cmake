# The house rule of the program: an include points down, or into its own folder.
#   cmake -DROOT=<folder that holds multipl_moe/> -P check_program_includes.cmake
cmake_minimum_required(VERSION 3.25)

# The folders from the lowest floor up: each may include those before it. What an architecture is (io/architecture.hpp,
# io/transformers_family.hpp) stands below what uses one; the files of architectures/ are known to their list alone.
set(floors io tokenizer data model architectures eval train report cli main.cpp)
set(closed architectures)

cmake_path(ABSOLUTE_PATH ROOT)
file(GLOB_RECURSE files RELATIVE "${ROOT}/multipl_moe" "${ROOT}/multipl_moe/*.hpp" "${ROOT}/multipl_moe/*.cpp")
list(SORT files)
if(NOT files)
  message(FATAL_ERROR "no sources under ${ROOT}/multipl_moe: nothing was checked")
endif()

include("${CMAKE_CURRENT_LIST_DIR}/ReadIncludes.cmake")
foreach(file IN LISTS files)
  string(REGEX REPLACE "/.*" "" folder "${file}")
  set(number 0)
  list(FIND floors "${folder}" floor)
  if(floor EQUAL -1)
    violation("the list of check_program_includes.cmake does not know the folder ${folder}")
    continue()
  endif()
  read_includes("${ROOT}/multipl_moe/${file}" includes)
  foreach(include IN LISTS includes)
    split_include("${include}")
    if(bracket STREQUAL "<" OR header MATCHES "^moe/")
      continue()
    elseif(NOT header MATCHES "^multipl_moe/([^/]+)/")
      violation("our own headers are included by their full name, \"multipl_moe/...\", not as \"${header}\"")
      continue()
    endif()
    set(target "${CMAKE_MATCH_1}")
    list(FIND floors "${target}" target_floor)
    if(target_floor EQUAL -1 OR target_floor GREATER floor OR (target IN_LIST closed AND NOT target STREQUAL folder))
      violation("${folder} may not include ${target} (${header})")
    endif()
  endforeach()
endforeach()

require_no_violation()
