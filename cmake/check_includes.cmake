# The house rule of include/moe: an include points down, or into its own folder, never up or across a wall.
#   cmake -DROOT=<folder that holds moe/> -P check_includes.cmake
cmake_minimum_required(VERSION 3.25)

# Each folder and what it may include besides itself and the standard library. A backend is a folder of its
# own: it sees neither policies nor another backend, and nobody above sees a backend.
set(core      "")
set(concepts  core)
set(policies  core concepts)
set(backend/* core concepts)
set(ops       core concepts)
set(modules   core concepts policies ops)
set(layers    core concepts policies ops modules)
set(train     core concepts policies ops modules layers)
set(runtime   core concepts policies ops modules layers train)

# Single files that may see more than their folder.
set(layers/presets.hpp backend/*)   # an alias for a published system names the backend it runs on
set(onednn.hpp core backend/*)       # a product for the CPU backend that needs another library
set(cuda.cuh version.hpp core concepts policies backend/* ops modules layers train)
set(version.hpp "")
set(moe.hpp version.hpp core concepts policies backend/* ops modules layers train)

# Other people's headers, by folder, as one regular expression.
set(others_backend/cpu "^(Eigen/.*|immintrin\\.h)$")
set(others_backend/cuda "^(thrust/.*|cuda_runtime\\.h|cublas_v2\\.h)$")
set(others_onednn.hpp "^(dnnl|omp)\\.h$")
# Single files that may see more than their folder.
set(others_train/split_into_adapters.hpp "^Eigen/SVD$")   # a decomposition on the host, whatever the backend

# ---- the check -----------------------------------------------------------------------------------

# A file's folder: backend/cpu/gemm.hpp belongs to backend/cpu, layers/x/y.hpp to layers, moe.hpp to itself.
function(folder_of path result)
  if(path MATCHES "^(backend/[^/]+)/")
    set(${result} "${CMAKE_MATCH_1}" PARENT_SCOPE)
  elseif(path MATCHES "^([^/]+)/")
    set(${result} "${CMAKE_MATCH_1}" PARENT_SCOPE)
  else()
    set(${result} "${path}" PARENT_SCOPE)
  endif()
endfunction()

# The row of the table that speaks for a folder: all backends share one.
function(row_of folder result)
  string(REGEX REPLACE "^backend/.*" "backend/*" row "${folder}")
  set(${result} "${row}" PARENT_SCOPE)
endfunction()

set(violations 0)
macro(violation text)
  message(NOTICE "${file}:${number}: ${text}")
  math(EXPR violations "${violations} + 1")
endmacro()

cmake_path(ABSOLUTE_PATH ROOT)
file(GLOB_RECURSE files RELATIVE "${ROOT}/moe" "${ROOT}/moe/*")
list(SORT files)
if(NOT files)
  message(FATAL_ERROR "no headers under ${ROOT}/moe: nothing was checked")
endif()
foreach(file IN LISTS files)
  folder_of("${file}" folder)
  row_of("${folder}" row)
  set(number 0)
  if(NOT DEFINED "${row}")
    violation("the table of check_includes.cmake does not know the folder ${folder}")
    continue()
  endif()
  set(allowed ${${row}} ${${file}})

  file(READ "${ROOT}/moe/${file}" text)
  # A list of lines, with what would end or join its items taken out: includes contain none of it.
  string(REGEX REPLACE "[][;\\\\]" " " text "${text}")
  string(REPLACE "\n" ";" lines "${text}")
  foreach(line IN LISTS lines)
    math(EXPR number "${number} + 1")
    if(NOT line MATCHES "^[ \t]*#[ \t]*include[ \t]*([<\"])([^>\"]*)[>\"]")
      continue()
    endif()
    set(bracket "${CMAKE_MATCH_1}")
    set(header "${CMAKE_MATCH_2}")

    if(header MATCHES "^moe/(.*)$")
      folder_of("${CMAKE_MATCH_1}" target)
      row_of("${target}" target_row)
      if(NOT target STREQUAL folder AND NOT target_row IN_LIST allowed)
        violation("${folder} may not include ${target} (${header})")
      endif()
    elseif(bracket STREQUAL "\"")
      violation("our own headers are included by their full name, \"moe/...\", not as \"${header}\"")
    elseif(NOT header MATCHES "^[a-z_]+$")
      # What is left has a dot or a slash in its name, so it is not the C++ standard library's.
      set(is_allowed FALSE)
      foreach(place IN ITEMS "${folder}" "${file}")
        if(DEFINED "others_${place}" AND header MATCHES "${others_${place}}")
          set(is_allowed TRUE)
        endif()
      endforeach()
      if(NOT is_allowed)
        violation("${folder} may not include <${header}>")
      endif()
    endif()
  endforeach()
endforeach()

if(violations GREATER 0)
  message(FATAL_ERROR "${violations} includes break the rule")
endif()
