#pragma once

#include <concepts>

namespace moe {

/// Where matrices live and what computes with them: what modules ask of a template argument. A backend is a folder: its
/// memory (Buffer), what a run carries (Context), and the operations that ops/, routing/ and experts/ are written in.
/// Those come in families, each with its contract in a file of its own beside this one, where every operation is
/// described: memory, elementwise, gemm, glu, routing, segments, optimizer. checked.hpp is their sum.
template <class B>
concept Backend = requires {
  typename B::Context;
  typename B::template Buffer<float>;
  { B::is_host } -> std::convertible_to<bool>;
};

/// Whether a backend computes, or only has shapes: one without arithmetic (shape/) says `has_arithmetic = false`, and
/// has enough to build modules and count them.
template <class B>
inline constexpr bool computes = !requires {
  requires !B::has_arithmetic;
};

}  // namespace moe
