/// The kernels of the CPU backend. The files *.inc of this folder are compiled once for each instruction set, in a
/// namespace of its own, whatever flags the including file is compiled with: `arch=x86-64` resets those of the command
/// line. So files with different flags agree on every kernel. The functions at the end return the kernels of the set
/// that is chosen at run time.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#ifdef __aarch64__
#include <arm_neon.h>
#endif

#include "moe/backend/cpu/isa/instruction_set.hpp"
#include "moe/backend/cpu/isa/tables.hpp"
#include "moe/backend/cpu/product.hpp"
#include "moe/core/bfloat16.hpp"
#include "moe/core/index.hpp"
#include "moe/core/int8_groups.hpp"
#include "moe/core/master_weights.hpp"
#include "moe/core/random.hpp"
#include "moe/core/sigmoid.hpp"

// ---- the baseline -------------------------------------------------------------------------------
#define MOE_SET baseline
#define MOE_VECTOR_BYTES 16
#ifdef __x86_64__
#define MOE_VECTOR_REGISTERS 16
#ifdef __clang__
// Unlike g++, clang++ adds the features of the command line to those of `arch`.
#pragma clang attribute push( \
    __attribute__((target("arch=x86-64,no-avx512f,no-avx2,no-avx,no-fma,no-f16c,no-sse4.1"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("arch=x86-64")
#endif
#else
#define MOE_VECTOR_REGISTERS 32
#endif
#include "moe/backend/cpu/isa/set.inc"
#ifdef __x86_64__
#ifdef __clang__
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif

#ifdef __x86_64__

// ---- AVX2 and FMA -------------------------------------------------------------------------------
#define MOE_SET avx2
#define MOE_VECTOR_BYTES 32
#define MOE_VECTOR_REGISTERS 16
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("arch=x86-64,avx2,fma,no-avx512f"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("arch=x86-64,avx2,fma")
#endif
#include "moe/backend/cpu/isa/set.inc"
#ifdef __clang__
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

// ---- AVX-512 ------------------------------------------------------------------------------------
#define MOE_SET avx512
#define MOE_VECTOR_BYTES 64
#define MOE_VECTOR_REGISTERS 32
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("arch=x86-64,avx512f,avx512bw,avx512dq,avx512vl,fma"))), \
                             apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("arch=x86-64,avx512f,avx512bw,avx512dq,avx512vl,fma")
#endif
#include "moe/backend/cpu/isa/set.inc"
#ifdef __clang__
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

// ---- AVX512-BF16 --------------------------------------------------------------------------------
#ifdef __clang__
#pragma clang attribute push(__attribute__((target("arch=x86-64,avx512f,avx512bw,avx512dq,avx512vl,fma,avx512bf16"))), \
                             apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("arch=x86-64,avx512f,avx512bw,avx512dq,avx512vl,fma,avx512bf16")
#endif
namespace moe::cpu::avx512_bf16 {
#include "moe/backend/cpu/isa/pairs.inc"
}  // namespace moe::cpu::avx512_bf16
#ifdef __clang__
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

#endif

// ---- the choice ---------------------------------------------------------------------------------

namespace moe::cpu {

namespace detail {

/// The result of the function of the chosen set.
template <class Baseline, class Avx2, class Avx512>
decltype(auto) of_chosen_set([[maybe_unused]] const Avx512& of_avx512, [[maybe_unused]] const Avx2& of_avx2,
                             const Baseline& of_baseline) {
  switch (instruction_set()) {
    case InstructionSet::avx512:
    case InstructionSet::avx512_bf16:
      return of_avx512();
    case InstructionSet::avx2:
      return of_avx2();
    default:
      return of_baseline();
  }
}

}  // namespace detail

#ifdef __x86_64__
#define MOE_OF_CHOSEN_SET(...)                                                  \
  detail::of_chosen_set([]() -> decltype(auto) { return avx512::__VA_ARGS__; }, \
                        []() -> decltype(auto) { return avx2::__VA_ARGS__; },   \
                        []() -> decltype(auto) { return baseline::__VA_ARGS__; })
#else
#define MOE_OF_CHOSEN_SET(...) baseline::__VA_ARGS__
#endif

/// The kernels of matrix products.
template <class Value>
const ProductKernels<Value>& product_kernels() {
#ifdef __x86_64__
  if constexpr (std::is_same_v<Value, BFloat16>)
    if (instruction_set() == InstructionSet::avx512_bf16) return avx512_bf16::pair_product_kernels();
#endif
  return MOE_OF_CHOSEN_SET(product_kernels<Value>());
}
/// The kernels on rows of bfloat16 values.
inline const NarrowRowKernels& narrow_row_kernels() { return MOE_OF_CHOSEN_SET(narrow_row_kernels()); }
/// The kernels on rows of values.
template <class Real>
const RowKernels<Real>& row_kernels() {
  return MOE_OF_CHOSEN_SET(row_kernels<Real>());
}
/// The kernels of SwiGLU.
template <class Real>
const SwiGluKernels<Real>& swiglu_kernels() {
  return MOE_OF_CHOSEN_SET(swiglu_kernels<Real>());
}
/// The kernel of AdamW.
template <MasterWeights master, class Weight, class Moment>
AdamWKernel<master, Weight, Moment> adamw_kernel() {
  return MOE_OF_CHOSEN_SET(adamw_kernel<master, Weight, Moment>());
}

#undef MOE_OF_CHOSEN_SET

}  // namespace moe::cpu
