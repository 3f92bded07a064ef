#pragma once

#include "moe/backend/contract/backend.hpp"
#include "moe/backend/contract/elementwise.hpp"
#include "moe/backend/contract/gemm.hpp"
#include "moe/backend/contract/glu.hpp"
#include "moe/backend/contract/memory.hpp"
#include "moe/backend/contract/optimizer.hpp"
#include "moe/backend/contract/routing.hpp"
#include "moe/backend/contract/segments.hpp"
#include "moe/core/index.hpp"

namespace moe {

/// A backend that runs every layer with this value type. Inputs of operations may be matrices or views; outputs are
/// views, from which the operation deduces the value type. Operations do not check their arguments.
template <class B, class Value>
concept ComputingBackend = Backend<B> && MemoryBackend<B, Value> && MemoryBackend<B, Index> &&
    ElementwiseBackend<B, Value> && GemmBackend<B, Value> && GluBackend<B, Value> && RoutingBackend<B, Value> &&
    SegmentsBackend<B, Value> && OptimizerBackend<B, Value>;

namespace contract {

/// The check for one value type.
template <class B, class Value>
constexpr bool check() {
  if constexpr (computes<B>) {
    return check_memory<B, Value>() && check_memory<B, Index>() && check_elementwise<B, Value>() &&
           check_gemm<B, Value>() && check_glu<B, Value>() && check_routing<B, Value>() && check_segments<B, Value>() &&
           check_optimizer<B, Value>();
  } else {
    return check_storage<B, Value>() && check_team<B>();
  }
}

}  // namespace contract

/// For a static_assert after the definition of a backend: `static_assert(check_backend<Mine, float, double>());`. The
/// compiler's first error then names an operation that is missing, or that layers with these value types cannot call.
/// For a backend without arithmetic, only the requirements of building modules are checked.
template <class B, class... Values>
constexpr bool check_backend() {
  static_assert(sizeof...(Values) > 0, "check_backend: pass the backend, then the value types of its layers");
  return (contract::check<B, Values>() && ...);
}

}  // namespace moe
