# Flags of this directory tree, not of the target moe::moe: a project that uses the library must never
# inherit our warnings, and never our -march (Eigen's alignment is part of the ABI).
include(CheckCXXSourceCompiles)

set(CMAKE_CXX_EXTENSIONS OFF)
set(own_cxx_flags -Wall -Wextra -Wpedantic -Wconversion -Wshadow)
# What the CUDA compiler makes of our code for the host has lines of its own that -Wpedantic would find.
add_compile_options("$<$<COMPILE_LANGUAGE:CUDA>:-Xcompiler=-Wall,-Wextra,-Wconversion,-Wshadow>")

# A compiler that nobody here has tried may warn about something new; that must not stop a newcomer's
# first build, so only the compilers we test with turn warnings into errors.
if((CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION MATCHES "^12\\.")
   OR (CMAKE_CXX_COMPILER_ID STREQUAL "Clang" AND CMAKE_CXX_COMPILER_VERSION MATCHES "^14\\."))
  list(APPEND own_cxx_flags -Werror)
endif()

# nvcc 13 is the one we test with.
add_compile_options("$<$<AND:$<COMPILE_LANG_AND_ID:CUDA,NVIDIA>,$<VERSION_GREATER_EQUAL:$<CUDA_COMPILER_VERSION>,13>>:--Werror=all-warnings>")

if(MOE_NATIVE)
  list(APPEND own_cxx_flags -march=native)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    set(CMAKE_REQUIRED_FLAGS -march=native)
    check_cxx_source_compiles("#ifndef __AVX512F__\n#error\n#endif\nint main() {}" MOE_CPU_HAS_AVX512)
    unset(CMAKE_REQUIRED_FLAGS)
    if(MOE_CPU_HAS_AVX512)
      # g++ 12 schedules Eigen's kernels badly for newer CPUs: with this tuning they run 1.25x as fast.
      list(APPEND own_cxx_flags -mtune=skylake-avx512)
      # Its AVX-512 intrinsics start from a value that is undefined on purpose, and it warns about that
      # wherever it inlines one (GCC bug 105593). Builds without MOE_NATIVE keep the warning.
      list(APPEND own_cxx_flags -Wno-uninitialized -Wno-maybe-uninitialized)
    endif()
  endif()
endif()

if(MOE_SANITIZE STREQUAL "address")
  list(APPEND own_cxx_flags -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
elseif(MOE_SANITIZE STREQUAL "thread")
  list(APPEND own_cxx_flags -fsanitize=thread -fno-omit-frame-pointer)
  add_link_options(-fsanitize=thread)
elseif(MOE_SANITIZE)
  message(FATAL_ERROR "MOE_SANITIZE must be address, thread or OFF, is ${MOE_SANITIZE}")
endif()

if(MOE_COVERAGE)
  # Threads count the same lines.
  list(APPEND own_cxx_flags --coverage -fprofile-update=atomic)
  add_link_options(--coverage)
endif()

add_compile_options("$<$<COMPILE_LANGUAGE:CXX>:${own_cxx_flags}>")

# Files that read the same headers and use the same layers, so many at a time. Each keeps its names in a namespace of its own.
function(compile_together target files)
  set_target_properties(${target} PROPERTIES UNITY_BUILD ${MOE_UNITY_BUILD} UNITY_BUILD_BATCH_SIZE ${files})
endfunction()
