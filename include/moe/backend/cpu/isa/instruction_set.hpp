#pragma once

#ifdef __NVCC__
#error "the CPU backend is for C++ files: the CUDA compiler does not support its vector types"
#endif

#include <atomic>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "moe/core/require.hpp"

namespace moe::cpu {

/// The instruction sets that the kernels in isa/ are compiled for. One of them is chosen at run time.
enum class InstructionSet {
  /// What every CPU of the architecture has: SSE2 on x86-64, NEON on AArch64.
  baseline,
  /// AVX2 and FMA: vectors of 256 bits.
  avx2,
  /// AVX-512 (F, BW, DQ and VL) and FMA: vectors of 512 bits.
  avx512,
  /// The same with products of bfloat16 (AVX512-BF16).
  avx512_bf16,
};

/// The name that MOE_CPU and messages use.
inline const char* name_of(InstructionSet set) {
  switch (set) {
    case InstructionSet::avx2:
      return "avx2";
    case InstructionSet::avx512:
      return "avx512";
    case InstructionSet::avx512_bf16:
      return "avx512_bf16";
    default:
      return "baseline";
  }
}

/// The sets that this CPU and its operating system support, slowest first.
inline std::vector<InstructionSet> instruction_sets() {
  std::vector<InstructionSet> sets{InstructionSet::baseline};
#ifdef __x86_64__
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    sets.push_back(InstructionSet::avx2);
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl")) {
      sets.push_back(InstructionSet::avx512);
      if (__builtin_cpu_supports("avx512bf16")) sets.push_back(InstructionSet::avx512_bf16);
    }
  }
#endif
  return sets;
}

namespace detail {

/// The chosen set, or -1 before the first use.
inline std::atomic<int> chosen_set{-1};

/// The set called `name` if this CPU has it. Throws Error, which lists the sets that it has.
inline InstructionSet set_called(std::string_view where, std::string_view name) {
  std::string known;
  for (const InstructionSet set : instruction_sets()) {
    if (name == name_of(set)) return set;
    known += known.empty() ? "" : ", ";
    known += name_of(set);
  }
  require(false, where, "must be an instruction set of this CPU (", known, "), got \"", name, "\"");
  return InstructionSet::baseline;
}

/// The set that the environment variable MOE_CPU names, otherwise the fastest one.
inline InstructionSet first_set() {
  const char* const wanted = std::getenv("MOE_CPU");
  return wanted != nullptr && *wanted != '\0' ? set_called("MOE_CPU", wanted) : instruction_sets().back();
}

}  // namespace detail

/// The instruction set of the CPU backend's kernels. The first call chooses it: the one that the environment variable
/// MOE_CPU names, otherwise the fastest that the CPU has. Throws Error if MOE_CPU names a set that the CPU lacks.
inline InstructionSet instruction_set() {
  int set = detail::chosen_set.load(std::memory_order_relaxed);
  if (set < 0) [[unlikely]]
    detail::chosen_set.store(set = static_cast<int>(detail::first_set()), std::memory_order_relaxed);
  return static_cast<InstructionSet>(set);
}

/// Chooses the instruction set of all following calls of the process; must not be called while another thread computes.
/// Weights that were packed before must be packed again. Throws Error if this CPU lacks the set.
inline void use_instruction_set(InstructionSet set) {
  detail::chosen_set.store(static_cast<int>(detail::set_called("use_instruction_set", name_of(set))),
                           std::memory_order_relaxed);
}

}  // namespace moe::cpu
