#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "moe/core/bfloat16.hpp"
#include "moe/core/index.hpp"
#include "moe/core/random.hpp"
#include "moe/core/require.hpp"
#include "moe/train/walk.hpp"

namespace moe {

/// Key of the random stream of a weight's initial values.
inline RandomKey weight_key(std::uint64_t seed, std::string_view name) { return {seed, 0, name_hash(name)}; }

namespace detail {

inline void require_deviation(std::string_view where, double deviation) {
  require(deviation >= 0 && std::isfinite(deviation), where, "a deviation must be finite and not negative, got ",
          deviation);
}

/// values[i] = number(i), computed in tiles by the host threads of `context`.
template <class B, class Value, class Number>
void fill_on_host(const typename B::Context& context, std::span<Value> values, const Number& number) {
  constexpr Index tile = Index{1} << 14;
  const Index count = std::ssize(values);
  B::for_each_on_host(context, (count + tile - 1) / tile, [&](Index t) {
    for (Index i = t * tile; i < (std::min)((t + 1) * tile, count); ++i)
      values[static_cast<std::size_t>(i)] =
          static_cast<Value>(static_cast<Accum<Value>>(number(static_cast<std::uint64_t>(i))));
  });
}

}  // namespace detail

/// values[i] = deviation times entry `first` + i of the stream: a part of draw_normal()'s values, for a weight that is
/// not in memory as a whole. Runs on the host threads of `context`; the values do not depend on their number.
template <class B, class Value>
void fill_normal(const typename B::Context& context, RandomKey key, std::uint64_t first, double deviation,
                 std::span<Value> values) {
  detail::fill_on_host<B>(context, values, [&](std::uint64_t i) { return deviation * random_normal(key, first + i); });
}

/// Fills a tensor with N(0, deviation^2). The values depend on seed, name and position only: they are the same on every
/// backend and independent of the rest of the tree.
template <class Tensor>
void draw_normal(const typename Tensor::Backend::Context& context, Tensor& tensor, std::uint64_t seed,
                 std::string_view name, double deviation) {
  using Value = typename Tensor::Value;
  std::vector<Value> values(static_cast<std::size_t>(tensor.size()));
  fill_normal<typename Tensor::Backend>(context, weight_key(seed, name), 0, deviation, std::span(values));
  Tensor::Backend::upload(context, values.data(), tensor.view());
}

/// Draws every matrix of a layer from N(0, deviation^2); vectors (biases, norms) keep their values. Throws Error if
/// `deviation` is negative or not finite.
template <Module Layer>
void initialize(const typename Layer::Context& context, Layer& layer, std::uint64_t seed, double deviation = 0.02) {
  detail::require_deviation("initialize", deviation);
  for_each_parameter(
      [&](const std::string& name, auto& weight) {
        if constexpr (std::remove_cvref_t<decltype(weight)>::rank == 2)
          draw_normal(context, weight, seed, name, deviation);
      },
      layer);
}

}  // namespace moe
