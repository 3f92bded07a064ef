# The architecture rule of the program: a file includes only its own folder and lower layers.
#   cmake -DROOT=<folder that holds multipl_moe/> -P check_program_includes.cmake
cmake_minimum_required(VERSION 3.25)

# The folders from the lowest layer up: each may include those before it. The interfaces of an architecture
# (io/architecture.hpp, io/transformers_family.hpp) are below the code that uses one; the headers in architectures/ are
# included only from that folder.
set(floors io statistics sandbox tokenizer data exercises benchmark model cuda mpi architectures eval train report probe reproduce cli main.cpp)
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
    violation("the list of check_program_includes.cmake has no entry for the folder ${folder}")
    continue()
  endif()
  read_includes("${ROOT}/multipl_moe/${file}" includes)
  foreach(include IN LISTS includes)
    split_include("${include}")
    if(bracket STREQUAL "<" OR header MATCHES "^(moe|compiled_layers)/")
      continue()
    elseif(NOT header MATCHES "^multipl_moe/([^/]+)/")
      violation("headers of the program are included by their full name, \"multipl_moe/...\", not as \"${header}\"")
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
