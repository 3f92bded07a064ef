# All packages here are optional. For each missing one, a message names the targets that are left out and the package
# to install; the rest is built.

# A program that is copied to another machine holds the libraries that may be missing there.
set(moe_fmt_target fmt::fmt)
if(MOE_STATIC_LIBRARIES)
  list(PREPEND CMAKE_FIND_LIBRARY_SUFFIXES .a)
  set(ZLIB_USE_STATIC_LIBS ON)
  set(moe_fmt_target fmt::fmt-header-only)
  add_link_options(-static-libstdc++ -static-libgcc)
endif()

# ---- the program multipl_moe ---------------------------------------------------------------------
set(MOE_PROGRAM_PACKAGES_FOUND FALSE)
if(MOE_BUILD_EXAMPLES)
  find_package(CLI11 QUIET)
  find_package(nlohmann_json QUIET)
  find_package(fmt QUIET)
  find_package(Threads QUIET)
  find_path(XXHASH_INCLUDE_DIR xxhash.h)
  find_path(PCRE2_INCLUDE_DIR pcre2.h)
  find_library(PCRE2_LIBRARY pcre2-8)
  find_path(UTF8PROC_INCLUDE_DIR utf8proc.h)
  find_library(UTF8PROC_LIBRARY utf8proc)
  find_package(ZLIB QUIET)

  set(missing "")
  foreach(pair CLI11=libcli11-dev nlohmann_json=nlohmann-json3-dev fmt=libfmt-dev ZLIB=zlib1g-dev)
    string(REGEX MATCH "^(.*)=(.*)$" _ "${pair}")
    if(NOT ${CMAKE_MATCH_1}_FOUND)
      string(APPEND missing " ${CMAKE_MATCH_2}")
    endif()
  endforeach()
  if(NOT XXHASH_INCLUDE_DIR)
    string(APPEND missing " libxxhash-dev")
  endif()
  if(NOT PCRE2_INCLUDE_DIR OR NOT PCRE2_LIBRARY)
    string(APPEND missing " libpcre2-dev")
  endif()
  if(NOT UTF8PROC_INCLUDE_DIR OR NOT UTF8PROC_LIBRARY)
    string(APPEND missing " libutf8proc-dev")
  endif()

  if(missing)
    message(STATUS
      "moelayers: the program multipl_moe and its tests are left out; they need: apt-get install${missing}")
  else()
    set(MOE_PROGRAM_PACKAGES_FOUND TRUE)
    add_library(moe_xxhash INTERFACE)
    target_include_directories(moe_xxhash SYSTEM INTERFACE "${XXHASH_INCLUDE_DIR}")
    # The tokenizer splits text with PCRE2 and normalizes it with utf8proc.
    add_library(moe_unicode INTERFACE)
    target_include_directories(moe_unicode SYSTEM INTERFACE "${PCRE2_INCLUDE_DIR}" "${UTF8PROC_INCLUDE_DIR}")
    target_link_libraries(moe_unicode INTERFACE "${PCRE2_LIBRARY}" "${UTF8PROC_LIBRARY}")
  endif()
endif()

# ---- the benchmark -------------------------------------------------------------------------------
set(MOE_BENCH_PACKAGES_FOUND FALSE)
if(MOE_BUILD_BENCH)
  set(missing "")
  foreach(pair benchmark=libbenchmark-dev CLI11=libcli11-dev nlohmann_json=nlohmann-json3-dev fmt=libfmt-dev)
    string(REGEX MATCH "^(.*)=(.*)$" _ "${pair}")
    set(package "${CMAKE_MATCH_1}")
    set(debian_package "${CMAKE_MATCH_2}")
    find_package(${package} QUIET)
    if(NOT ${package}_FOUND)
      string(APPEND missing " ${debian_package}")
    endif()
  endforeach()

  if(missing)
    message(STATUS
      "moelayers: the benchmark moe_bench and its tests are left out; they need: apt-get install${missing}")
  else()
    set(MOE_BENCH_PACKAGES_FOUND TRUE)
  endif()
endif()

# ---- the tests -----------------------------------------------------------------------------------
if(MOE_BUILD_TESTS)
  find_package(Catch2 QUIET)
  if(NOT Catch2_FOUND)
    message(STATUS "moelayers: the unit tests are left out; they need: apt-get install catch2")
  endif()
endif()

# ---- GPUs ----------------------------------------------------------------------------------------
set(MOE_CUDA_COMPILER_FOUND FALSE)
if(TARGET moe::cuda)
  include(CheckLanguage)
  # Default architecture of the project's own programs; the library target leaves the choice to its users.
  if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
    set(CMAKE_CUDA_ARCHITECTURES 90)
  endif()
  if(NOT CMAKE_CUDA_COMPILER AND CUDAToolkit_NVCC_EXECUTABLE)
    set(CMAKE_CUDA_COMPILER "${CUDAToolkit_NVCC_EXECUTABLE}")
  endif()
  check_language(CUDA)
  if(CMAKE_CUDA_COMPILER)
    enable_language(CUDA)
    set(MOE_CUDA_COMPILER_FOUND TRUE)
  endif()
endif()
if(NOT MOE_CUDA_COMPILER_FOUND)
  message(STATUS "moelayers: no CUDA Toolkit 12.8 or newer with nvcc was found, so nothing is compiled for GPUs")
elseif(NOT TARGET moe::nccl)
  message(STATUS "moelayers: NCCL (libnccl-dev) was not found, so the target moe::nccl is left out")
endif()
if(MOE_BUILD_TESTS)
  # Thrust on the host is enough for the tests of the GPU backend on an emulated device. Thrust is part of the CUDA
  # Toolkit and of libthrust-dev.
  find_package(CUDAToolkit QUIET)
  find_path(MOE_THRUST_INCLUDE_DIR thrust/system/cpp/execution_policy.h
            HINTS ${CUDAToolkit_INCLUDE_DIRS} PATH_SUFFIXES cccl)
  if(NOT MOE_THRUST_INCLUDE_DIR)
    message(STATUS "moelayers: the tests of the GPU backend are left out; they need: apt-get install libthrust-dev")
  endif()
endif()

# ---- layers that save and load -------------------------------------------------------------------
if(NOT TARGET moe::safetensors)
  message(STATUS
    "moelayers: nlohmann-json (nlohmann-json3-dev) was not found, so the target moe::safetensors is left out")
endif()

# ---- several processes ---------------------------------------------------------------------------
# For tests that start ranks with Open MPI 4 or 5: as root, with more ranks than cores, and in a container that forbids
# one process to read another's memory.
set(MOE_MPI_ENVIRONMENT
    OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1
    PRTE_MCA_rmaps_default_mapping_policy=:oversubscribe OMPI_MCA_btl_vader_single_copy_mechanism=none)
if(NOT TARGET moe::mpi)
  message(STATUS "moelayers: MPI (libopenmpi-dev, openmpi-bin) was not found, so the target moe::mpi is left out")
endif()

# ---- faster matrix products ----------------------------------------------------------------------
if(NOT TARGET moe::onednn)
  message(STATUS "moelayers: oneDNN (libdnnl-dev) was not found, so the target moe::onednn is left out")
endif()
