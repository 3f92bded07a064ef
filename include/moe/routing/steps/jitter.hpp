#pragma once

#include <cstdint>

#include "moe/backend/contract/backend.hpp"
#include "moe/core/bfloat16.hpp"
#include "moe/core/matrix.hpp"
#include "moe/core/random.hpp"

namespace moe {

/// Factors of four neighboring entries of a row: uniform in [1 - jitter, 1 + jitter], a function of the key and of the
/// index of the four.
struct JitterOfFour {
  /// Draws the factors.
  MOE_HOST_DEVICE JitterOfFour(RandomKey key, Index four, double jitter_)
      : words(random_words(key, static_cast<std::uint64_t>(four))), jitter(jitter_) {}
  /// Factor of entry i of the four.
  MOE_HOST_DEVICE double operator[](Index i) const {
    return 1 + jitter * ((static_cast<double>(words[static_cast<std::size_t>(i)]) + 0.5) * 0x1p-31 - 1);
  }

  /// Random words that the factors are computed from.
  Words<4> words;
  /// Half the width of the range of the factors.
  double jitter;
};

/// x'_rd = x_rd u_rd with u_rd uniform in [1 - jitter, 1 + jitter].
template <class Value, Backend B>
Matrix<Value, B> jittered(const typename B::Context& context, View<const Value, B> x_RD, double jitter, RandomKey key) {
  auto result = Matrix<Value, B>::uninitialized(context, x_RD.rows, x_RD.cols);
  const Index fours = (x_RD.cols + 3) / 4;
  B::for_each_cell(context, x_RD.rows, fours, [=, to_RD = result.view()] MOE_ON_DEVICE(Index r, Index four) {
    const JitterOfFour u(key, r * fours + four, jitter);
    for (Index i = 0, d = 4 * four; i < 4 && d < x_RD.cols; ++i, ++d)
      to_RD(r, d) = static_cast<Value>(widened(x_RD(r, d)) * static_cast<Accum<Value>>(u[i]));
  });
  return result;
}

/// d_x_rd += d_x'_rd u_rd, with the same u, drawn again from the key.
template <class Value, Backend B>
void add_jittered_backward(const typename B::Context& context, View<const Value, B> d_jittered_RD, double jitter,
                           RandomKey key, View<Value, B> d_x_RD) {
  const Index fours = (d_x_RD.cols + 3) / 4;
  B::for_each_cell(context, d_x_RD.rows, fours, [=] MOE_ON_DEVICE(Index r, Index four) {
    const JitterOfFour u(key, r * fours + four, jitter);
    for (Index i = 0, d = 4 * four; i < 4 && d < d_x_RD.cols; ++i, ++d)
      d_x_RD(r, d) =
          static_cast<Value>(widened(d_x_RD(r, d)) + widened(d_jittered_RD(r, d)) * static_cast<Accum<Value>>(u[i]));
  });
}

}  // namespace moe
