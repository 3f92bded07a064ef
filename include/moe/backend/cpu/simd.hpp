#pragma once

#ifdef __NVCC__
#error "the CPU backend is for C++ files: the CUDA compiler does not support its vector types"
#endif

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>
#include <utility>

#ifdef __SSE2__
#include <immintrin.h>
#endif

#include "moe/core/bfloat16.hpp"
#include "moe/core/index.hpp"

namespace moe::cpu {

/// Size in bytes of the widest vectors that the calling code is compiled for.
#if defined(__AVX512F__)
inline constexpr int vector_bytes = 64;
#elif defined(__AVX__)
inline constexpr int vector_bytes = 32;
#else
inline constexpr int vector_bytes = 16;
#endif
/// Number of vector registers.
inline constexpr int vector_registers = vector_bytes == 64 ? 32 : 16;

namespace detail {

template <class Real, int bytes>
struct VectorOf {
  typedef Real type __attribute__((vector_size(bytes)));
};

}  // namespace detail

/// One vector register of values; arithmetic is lane by lane.
template <class Real>
using Lanes = typename detail::VectorOf<Real, vector_bytes>::type;
/// Number of lanes of a vector register.
template <class Real>
inline constexpr Index lanes = vector_bytes / static_cast<Index>(sizeof(Real));

/// Loads `lanes` values from memory of any alignment.
template <class Real>
[[gnu::always_inline]] inline Lanes<Real> load(const Real* from) {
  Lanes<Real> value;
  std::memcpy(&value, from, sizeof value);
  return value;
}
/// Loads the first `count` lanes; the remaining lanes are 0.
template <class Real>
[[gnu::always_inline]] inline Lanes<Real> load(const Real* from, Index count) {
  if (count >= lanes<Real>) return load(from);
  Lanes<Real> value{};
  if (count > 0) std::memcpy(&value, from, static_cast<std::size_t>(count) * sizeof(Real));
  return value;
}
/// Loads `lanes` bfloat16 values and converts them to float.
template <class Real>
[[gnu::always_inline]] inline Lanes<Real> load(const BFloat16* from) requires std::is_same_v<Real, float> {
  using Bits = typename detail::VectorOf<std::uint32_t, vector_bytes>::type;
  typename detail::VectorOf<std::uint16_t, vector_bytes / 2>::type half;
  std::memcpy(&half, from, sizeof half);
  return reinterpret_cast<Lanes<Real>>(__builtin_convertvector(half, Bits) << 16);
}
/// Stores `lanes` values to memory of any alignment.
template <class Real>
[[gnu::always_inline]] inline void store(Real* to, Lanes<Real> value) {
  std::memcpy(to, &value, sizeof value);
}
/// Stores the first `count` lanes.
template <class Real>
[[gnu::always_inline]] inline void store(Real* to, Lanes<Real> value, Index count) {
  if (count >= lanes<Real>) return store(to, value);
  if (count > 0) std::memcpy(to, &value, static_cast<std::size_t>(count) * sizeof(Real));
}

namespace detail {

/// Concatenates two vectors.
template <class Vector, std::size_t... i>
[[gnu::always_inline]] inline auto side_by_side(Vector a, Vector b, std::index_sequence<i...>) {
  return __builtin_shufflevector(a, b, static_cast<int>(i)...);
}
/// Loads 16 bytes at each of the offsets 0, step, 2 step, ... (in values) and concatenates them.
template <class Real, int bytes>
[[gnu::always_inline]] inline auto load_quarters(const Real* from, Index step) {
  if constexpr (bytes == 16) {
    typename VectorOf<Real, 16>::type value;
    std::memcpy(&value, from, sizeof value);
    return value;
  } else {
    constexpr Index half = bytes / 32;
    return side_by_side(load_quarters<Real, bytes / 2>(from, step),
                        load_quarters<Real, bytes / 2>(from + half * step, step),
                        std::make_index_sequence<bytes / sizeof(Real)>());
  }
}

/// Interleaves the lower (`high` 0) or upper (`high` 1) halves of each 16-byte block of a and b.
template <int high, class Vector, std::size_t... i>
[[gnu::always_inline]] inline Vector in_turn(Vector a, Vector b, std::index_sequence<i...>) {
  constexpr int n = sizeof...(i), quarter = n * 16 / static_cast<int>(sizeof(Vector));
  return __builtin_shufflevector(a, b,
                                 (static_cast<int>(i) / quarter * quarter + high * quarter / 2 +
                                  static_cast<int>(i) % quarter / 2 + (static_cast<int>(i) % 2) * n)...);
}
template <int high, class Real>
[[gnu::always_inline]] inline Lanes<Real> in_turn(Lanes<Real> a, Lanes<Real> b) {
  return in_turn<high>(a, b, std::make_index_sequence<lanes<Real>>());
}

}  // namespace detail

/// Loads a square block of memory, transposed: lane i of columns[j] is from[i stride + j].
template <class Real>
[[gnu::always_inline]] inline void load_transposed(const Real* from, Index stride,
                                                   Lanes<Real> (&columns)[lanes<Real>]) {
  // Loads combine rows in 16-byte blocks, which costs no shuffle; the remaining shuffles stay within 16-byte blocks.
  constexpr Index quarter = 16 / sizeof(Real);
#pragma GCC unroll 16
  for (Index q = 0; q < lanes<Real>; q += quarter) {
    Lanes<Real> row[static_cast<std::size_t>(quarter)];
#pragma GCC unroll 4
    for (Index i = 0; i < quarter; ++i)
      row[i] = detail::load_quarters<Real, vector_bytes>(from + i * stride + q, quarter * stride);
    if constexpr (quarter == 2) {
      columns[q] = detail::in_turn<0, Real>(row[0], row[1]);
      columns[q + 1] = detail::in_turn<1, Real>(row[0], row[1]);
    } else {
      const auto even_low = detail::in_turn<0, Real>(row[0], row[2]),
                 even_high = detail::in_turn<1, Real>(row[0], row[2]);
      const auto odd_low = detail::in_turn<0, Real>(row[1], row[3]),
                 odd_high = detail::in_turn<1, Real>(row[1], row[3]);
      columns[q] = detail::in_turn<0, Real>(even_low, odd_low);
      columns[q + 1] = detail::in_turn<1, Real>(even_low, odd_low);
      columns[q + 2] = detail::in_turn<0, Real>(even_high, odd_high);
      columns[q + 3] = detail::in_turn<1, Real>(even_high, odd_high);
    }
  }
}

/// a b + c in every lane, as a fused multiply-add where the target has one. A compiler would otherwise decide whether
/// to fuse separately for each copy of a loop, and bits would depend on which copy runs.
template <class Real>
[[gnu::always_inline]] inline Lanes<Real> multiply_add(Lanes<Real> a, Lanes<Real> b, Lanes<Real> c) {
#if defined(__AVX512F__)
  if constexpr (std::is_same_v<Real, float>) return _mm512_fmadd_ps(a, b, c);
  if constexpr (std::is_same_v<Real, double>) return _mm512_fmadd_pd(a, b, c);
#elif defined(__FMA__)
  if constexpr (std::is_same_v<Real, float>) return _mm256_fmadd_ps(a, b, c);
  if constexpr (std::is_same_v<Real, double>) return _mm256_fmadd_pd(a, b, c);
#elif defined(__FP_FAST_FMA) && defined(__FP_FAST_FMAF)
  Lanes<Real> result;
  for (Index l = 0; l < lanes<Real>; ++l) result[l] = std::fma(a[l], b[l], c[l]);
  return result;
#endif
  return a * b + c;
}

/// An optimization barrier that returns its argument. Flags such as -ffast-math allow the compiler to simplify across
/// operations; it cannot do so across this one. Generates no instruction.
template <class Vector>
[[gnu::always_inline]] inline Vector opaque(Vector values) {
#if defined(__SSE2__)
  asm("" : "+v"(values));
#elif defined(__ARM_NEON)
  asm("" : "+w"(values));
#else
  asm("" : "+m"(values));
#endif
  return values;
}

/// The square root in every lane. A compiler would not vectorize a loop of std::sqrt, which may set errno.
template <class Real>
[[gnu::always_inline]] inline Lanes<Real> sqrt(Lanes<Real> x) {
#if defined(__AVX512F__)
  if constexpr (std::is_same_v<Real, float>) return _mm512_sqrt_ps(x);
  if constexpr (std::is_same_v<Real, double>) return _mm512_sqrt_pd(x);
#elif defined(__AVX__)
  if constexpr (std::is_same_v<Real, float>) return _mm256_sqrt_ps(x);
  if constexpr (std::is_same_v<Real, double>) return _mm256_sqrt_pd(x);
#elif defined(__SSE2__)
  if constexpr (std::is_same_v<Real, float>) return _mm_sqrt_ps(x);
  if constexpr (std::is_same_v<Real, double>) return _mm_sqrt_pd(x);
#endif
  Lanes<Real> result;
  for (Index l = 0; l < lanes<Real>; ++l) result[l] = std::sqrt(x[l]);
  return result;
}

}  // namespace moe::cpu
