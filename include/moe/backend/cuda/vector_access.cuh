#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "moe/core/bfloat16.hpp"
#include "moe/core/host_device.hpp"
#include "moe/core/index.hpp"
#include "moe/core/view.hpp"

namespace moe::gpu {

/// Number of values of a type per 16-byte access.
template <class Value>
inline constexpr int packet = 16 / static_cast<int>(sizeof(Value));

/// A vector width as a compile-time constant.
template <int n>
using Width = std::integral_constant<int, n>;

/// Whether every vector of `width` values of the view can be moved by one access.
template <int width, class Value, class B>
bool has_aligned_vectors(View<Value, B> view) {
  constexpr auto bytes = width * sizeof(Value);
  return reinterpret_cast<std::uintptr_t>(view.data) % bytes == 0 && (view.rows <= 1 || view.stride % width == 0);
}

/// Whether that holds for all of these views.
template <int width, class... Views>
bool all_aligned(Views... views) {
  return (has_aligned_vectors<width>(views) && ...);
}

/// Calls f(place, Width) for a row of `count` values that a team shares: vectors of `width` values, then the remaining
/// values one by one. The assignment of values to lanes depends on `count` and the team's size alone.
template <int width, class Team, class F>
MOE_HOST_DEVICE void for_each_vector(Team team, Index count, const F& f) {
  const Index whole = count / width;
  for (Index p = team.rank(); p < whole; p += team.size()) f(p * width, Width<width>{});
  for (Index i = whole * width + team.rank(); i < count; i += team.size()) f(i, Width<1>{});
}

/// Number of vectors of `width` values in a row of `count`, the last of which may be shorter.
template <int width>
MOE_HOST_DEVICE Index vectors_of(Index count) {
  return (count + width - 1) / width;
}
/// Calls f(place, Width) for the values of vector `vector` of a row of `count`: at once, or one by one in a shorter
/// one. For rows whose vectors are processed by one thread each.
template <int width, class F>
MOE_HOST_DEVICE void in_vector(Index vector, Index count, const F& f) {
  const Index at = vector * width;
  if (at + width <= count) return f(at, Width<width>{});
  for (Index i = at; i < count; ++i) f(i, Width<1>{});
}

/// An array of `count` values.
template <class Value, int count>
using Numbers = Value[static_cast<std::size_t>(count)];

namespace detail {
template <int width, class Value>
struct alignas(width * sizeof(Value)) Packed {
  Numbers<Value, width> values;
};
}  // namespace detail

/// Loads `width` values in accumulation precision, with one access if they are `aligned`.
template <int width, class Value>
MOE_HOST_DEVICE void load(const Value* from, bool aligned, Numbers<Accum<Value>, width>& to) {
  if (width > 1 && aligned) {
    const auto packed = *reinterpret_cast<const detail::Packed<width, Value>*>(from);
    for (int i = 0; i < width; ++i) to[i] = static_cast<Accum<Value>>(packed.values[i]);
  } else {
    for (int i = 0; i < width; ++i) to[i] = static_cast<Accum<Value>>(from[i]);
  }
}

/// Stores `width` values, rounded to the storage type, with one access if they are `aligned`.
template <int width, class Value>
MOE_HOST_DEVICE void store(Value* to, bool aligned, const Numbers<Accum<Value>, width>& from) {
  if (width > 1 && aligned) {
    detail::Packed<width, Value> packed;
    for (int i = 0; i < width; ++i) packed.values[i] = static_cast<Value>(from[i]);
    *reinterpret_cast<detail::Packed<width, Value>*>(to) = packed;
  } else {
    for (int i = 0; i < width; ++i) to[i] = static_cast<Value>(from[i]);
  }
}

/// Copies the values of vector `vector` of a row of `count`, with one access each way if they are `aligned`.
template <int width, class Value>
MOE_HOST_DEVICE void copy_vector(const Value* from, bool aligned, Index vector, Index count, Value* to) {
  in_vector<width>(vector, count, [&](Index at, auto taken) {
    constexpr int n = decltype(taken)::value;
    Numbers<Accum<Value>, n> values;
    load<n>(from + at, aligned, values);
    store<n>(to + at, aligned, values);
  });
}

}  // namespace moe::gpu
