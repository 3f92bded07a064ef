# The architecture rule of include/moe: a header includes only its own folder and the lower folders listed for it.
#   cmake -DROOT=<folder that holds moe/> -P check_includes.cmake
cmake_minimum_required(VERSION 3.25)

# Each folder and the folders that it may include besides itself and the standard library. Each backend is a folder of
# its own: it includes neither policies nor another backend, and no folder above includes a backend. `policies` stands
# for the folders of routing/ without trainable parameters. Routing and experts do not include each other; only layers
# include both.
set(core             "")
set(backend/contract core)
set(backend/*        core backend/contract)
set(ops              core backend/contract)
set(policies         core backend/contract)
set(comm             core backend/contract ops)
set(routing          core backend/contract ops policies comm)
set(experts          core backend/contract ops comm)
set(fusion           core backend/contract ops)
set(layers           core backend/contract ops policies routing comm experts fusion)
set(train            core backend/contract ops policies routing comm experts fusion layers)
set(runtime          core backend/contract ops policies routing comm experts fusion layers train)

# Single files that may include more than their folder.
set(layers/presets.hpp backend/*)   # the alias of a published system names its backend
set(onednn.hpp core backend/contract backend/*)       # a product for the CPU backend that needs another library
set(safetensors      core backend/contract)
set(safetensors.hpp safetensors)                      # files, which need another library
set(mpi              core comm)
set(mpi.hpp          core comm mpi)                   # ranks that are processes, which need another library
set(weights_in_file.hpp core backend/contract backend/* safetensors)   # weights of the CPU backend in such files
set(nccl.cuh         core comm backend/*)             # ranks with a GPU each, likewise
set(cuda.cuh version.hpp core backend/contract backend/* ops policies routing comm experts fusion layers train)
set(version.hpp "")
set(moe.hpp version.hpp core backend/contract backend/* ops policies routing comm experts fusion layers train)

# Headers of other libraries, by folder, as one regular expression.
set(others_backend/cpu "^(Eigen/.*|immintrin\\.h|arm_neon\\.h)$")
set(others_backend/cuda "^(thrust/.*|cuda_runtime\\.h|cublas_v2\\.h)$")
set(others_safetensors "^(nlohmann/json\\.hpp|fcntl\\.h|sys/(mman|stat)\\.h|unistd\\.h)$")
set(others_onednn.hpp "^(dnnl|omp)\\.h$")
set(others_nccl.cuh "^(nccl\\.h|cuda_runtime\\.h|unistd\\.h|sys/statvfs\\.h)$")
set(others_mpi "^mpi\\.h$")
set(others_mpi.hpp "^mpi\\.h$")
# Single files that may include more than their folder.
set(others_core/workers.hpp "^immintrin\\.h$")   # the pause of a thread that spins
set(others_train/split_into_adapters.hpp "^Eigen/SVD$")   # a decomposition on the host, for every backend

# ---- the check -----------------------------------------------------------------------------------

# A file's folder: backend/cpu/gemm.hpp belongs to backend/cpu, routing/router/top_k.hpp to policies, layers/x/y.hpp to
# layers, moe.hpp to itself.
function(folder_of path result)
  if(path MATCHES "^routing/(router|normalizer|capacity|segmenter|pooling|balance)/")
    set(${result} policies PARENT_SCOPE)
  elseif(path MATCHES "^(backend/[^/]+)/")
    set(${result} "${CMAKE_MATCH_1}" PARENT_SCOPE)
  elseif(path MATCHES "^([^/]+)/")
    set(${result} "${CMAKE_MATCH_1}" PARENT_SCOPE)
  else()
    set(${result} "${path}" PARENT_SCOPE)
  endif()
endfunction()

# The row of the table for a folder: all backends share one.
function(row_of folder result)
  set(row "${folder}")
  if(NOT folder STREQUAL "backend/contract")
    string(REGEX REPLACE "^backend/.*" "backend/*" row "${folder}")
  endif()
  set(${result} "${row}" PARENT_SCOPE)
endfunction()

include("${CMAKE_CURRENT_LIST_DIR}/ReadIncludes.cmake")

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
    violation("the table of check_includes.cmake has no row for the folder ${folder}")
    continue()
  endif()
  set(allowed ${${row}} ${${file}})

  read_includes("${ROOT}/moe/${file}" includes)
  foreach(include IN LISTS includes)
    split_include("${include}")

    if(header MATCHES "^moe/(.*)$")
      folder_of("${CMAKE_MATCH_1}" target)
      row_of("${target}" target_row)
      if(NOT target STREQUAL folder AND NOT target_row IN_LIST allowed)
        violation("${folder} may not include ${target} (${header})")
      endif()
    elseif(bracket STREQUAL "\"")
      violation("headers of the library are included by their full name, \"moe/...\", not as \"${header}\"")
    elseif(NOT header MATCHES "^[a-z_]+$")
      # A remaining header with a dot or a slash in its name is not part of the C++ standard library.
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

require_no_violation()
