#pragma once

#include <cstdint>

#include "moe/concepts/backend.hpp"
#include "moe/core/bfloat16.hpp"
#include "moe/core/matrix.hpp"
#include "moe/core/random.hpp"

namespace moe {

/// What entry `index` is multiplied by: uniform in [1 - jitter, 1 + jitter], a function of key and index.
MOE_HOST_DEVICE inline double jitter_of(RandomKey key, Index index, double jitter) {
  return 1 + jitter * (2 * random_uniform(key, static_cast<std::uint64_t>(index)) - 1);
}

/// x'_rd = x_rd u_rd with u_rd uniform in [1 - jitter, 1 + jitter].
template <class Value, Backend B>
Matrix<Value, B> jittered(const typename B::Context& context, View<const Value, B> x_RD, double jitter, RandomKey key) {
  auto result = Matrix<Value, B>::uninitialized(context, x_RD.rows, x_RD.cols);
  B::for_each_cell(context, x_RD.rows, x_RD.cols, [=, to_RD = result.view()] MOE_ON_DEVICE(Index r, Index d) {
    to_RD(r, d) =
        static_cast<Value>(widened(x_RD(r, d)) * static_cast<Wide<Value>>(jitter_of(key, r * x_RD.cols + d, jitter)));
  });
  return result;
}

/// d_x_rd += d_x'_rd u_rd, the u of the same key.
template <class Value, Backend B>
void add_jittered_back(const typename B::Context& context, View<const Value, B> d_jittered_RD, double jitter,
                       RandomKey key, View<Value, B> d_x_RD) {
  B::for_each_cell(context, d_x_RD.rows, d_x_RD.cols, [=] MOE_ON_DEVICE(Index r, Index d) {
    d_x_RD(r, d) = static_cast<Value>(widened(d_x_RD(r, d)) +
                                      widened(d_jittered_RD(r, d)) *
                                          static_cast<Wide<Value>>(jitter_of(key, r * d_x_RD.cols + d, jitter)));
  });
}

}  // namespace moe
