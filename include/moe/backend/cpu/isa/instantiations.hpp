#pragma once

#include "moe/backend/cpu/isa/kernels.hpp"

/// Compiles the kernels for the value type Real in one source file, for a program of many: with MOE_KERNELS_ELSEWHERE
/// defined in all of them, the others do not compile them again. Use it at namespace scope, for float and for double;
/// `MOE_INSTANTIATE_KERNELS(, float)`.
#define MOE_INSTANTIATE_KERNELS_OF(storage, set, Real)                                           \
  storage template const moe::cpu::ProductKernels<Real>& moe::cpu::set::product_kernels<Real>(); \
  storage template const moe::cpu::RowKernels<Real>& moe::cpu::set::row_kernels<Real>();         \
  storage template const moe::cpu::SwiGluKernels<Real>& moe::cpu::set::swiglu_kernels<Real>();   \
  storage template moe::cpu::AdamWKernel<moe::MasterWeights::float32, Real, Real>                \
  moe::cpu::set::adamw_kernel<moe::MasterWeights::float32, Real, Real>();
#ifdef __x86_64__
#define MOE_INSTANTIATE_KERNELS(storage, Real)        \
  MOE_INSTANTIATE_KERNELS_OF(storage, baseline, Real) \
  MOE_INSTANTIATE_KERNELS_OF(storage, avx2, Real)     \
  MOE_INSTANTIATE_KERNELS_OF(storage, avx512, Real)
#else
#define MOE_INSTANTIATE_KERNELS(storage, Real) MOE_INSTANTIATE_KERNELS_OF(storage, baseline, Real)
#endif

#ifdef MOE_KERNELS_ELSEWHERE
MOE_INSTANTIATE_KERNELS(extern, float)
MOE_INSTANTIATE_KERNELS(extern, double)
#endif
