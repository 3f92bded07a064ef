# Flags for this directory tree, not for the target moe::moe: a project that uses the library must not inherit these
# warnings or -march (Eigen's alignment is part of the ABI).
include(CheckCXXSourceCompiles)

set(CMAKE_CXX_EXTENSIONS OFF)
set(own_cxx_flags -Wall -Wextra -Wpedantic -Wconversion -Wshadow)
# Without -Wpedantic: the host code that nvcc generates contains lines for which it would warn.
add_compile_options("$<$<COMPILE_LANGUAGE:CUDA>:-Xcompiler=-Wall,-Wextra,-Wconversion,-Wshadow>")

# An untested compiler may have new warnings, which must not stop a first build. Warnings are errors only with the
# compilers that the project is tested with.
if((CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION MATCHES "^12\\.")
   OR (CMAKE_CXX_COMPILER_ID STREQUAL "Clang" AND CMAKE_CXX_COMPILER_VERSION MATCHES "^14\\."))
  list(APPEND own_cxx_flags -Werror)
endif()

# nvcc 13 is the tested version.
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
      # The AVX-512 intrinsics of g++ 12 start from an intentionally undefined value, for which it warns wherever it
      # inlines one (GCC bug 105593). Builds without MOE_NATIVE keep the warning.
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
  message(FATAL_ERROR "MOE_SANITIZE must be address, thread or OFF, found ${MOE_SANITIZE}")
endif()

if(MOE_COVERAGE)
  # Atomic counters, because several threads execute the same lines.
  list(APPEND own_cxx_flags --coverage -fprofile-update=atomic)
  add_link_options(--coverage)
endif()

add_compile_options("$<$<COMPILE_LANGUAGE:CXX>:${own_cxx_flags}>")

# Compiles the source files of a target in units of `files` files that share headers and layers. Each file must keep
# its names in a namespace of its own.
function(compile_together target files)
  set_target_properties(${target} PROPERTIES UNITY_BUILD ${MOE_UNITY_BUILD} UNITY_BUILD_BATCH_SIZE ${files})
endfunction()
