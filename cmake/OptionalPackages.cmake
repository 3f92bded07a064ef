# Everything here may be missing. Each missing piece costs one line that says what is lost and how to
# get it; the rest is built.

# ---- the program multipl_moe ---------------------------------------------------------------------
set(MOE_PROGRAM_PACKAGES_FOUND FALSE)
if(MOE_BUILD_EXAMPLES)
  find_package(CLI11 QUIET)
  find_package(nlohmann_json QUIET)
  find_package(fmt QUIET)
  find_package(Threads QUIET)
  find_path(XXHASH_INCLUDE_DIR xxhash.h)

  set(missing "")
  foreach(pair CLI11=libcli11-dev nlohmann_json=nlohmann-json3-dev fmt=libfmt-dev)
    string(REGEX MATCH "^(.*)=(.*)$" _ "${pair}")
    if(NOT ${CMAKE_MATCH_1}_FOUND)
      string(APPEND missing " ${CMAKE_MATCH_2}")
    endif()
  endforeach()
  if(NOT XXHASH_INCLUDE_DIR)
    string(APPEND missing " libxxhash-dev")
  endif()

  if(missing)
    message(STATUS "moelayers: the program multipl_moe and its tests are left out; they need: apt-get install${missing}")
  else()
    set(MOE_PROGRAM_PACKAGES_FOUND TRUE)
    add_library(moe_xxhash INTERFACE)
    target_include_directories(moe_xxhash SYSTEM INTERFACE "${XXHASH_INCLUDE_DIR}")
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
    message(STATUS "moelayers: the benchmark moe_bench and its tests are left out; they need: apt-get install${missing}")
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

# ---- faster matrix products ----------------------------------------------------------------------
find_package(CUDAToolkit QUIET)
if(NOT CUDAToolkit_FOUND)
  message(STATUS "moelayers: no CUDA Toolkit, so everything runs on the CPU")
endif()
if(NOT TARGET moe::onednn)
  message(STATUS "moelayers: no oneDNN (libdnnl-dev), so there is no moe::onednn to compare our products with")
endif()
