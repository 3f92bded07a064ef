#pragma once

#include <concepts>

namespace moe {

/// A backend stores matrices and computes with them; modules take it as a template argument. Each backend is a folder:
/// its memory (Buffer), the state of a run (Context), and the operations that ops/, routing/ and experts/ call. The
/// operations form families: memory, elementwise, gemm, glu, routing, segments, optimizer. The contract of each family
/// is a file in this folder, which describes every operation. checked.hpp combines them.
template <class B>
concept Backend = requires {
  typename B::Context;
  typename B::template Buffer<float>;
  { B::is_host } -> std::convertible_to<bool>;
};

/// Whether a backend computes. A backend without arithmetic (shape/) has `has_arithmetic = false`; modules can be built
/// on it and their parameters counted.
template <class B>
inline constexpr bool computes = !requires {
  requires !B::has_arithmetic;
};

}  // namespace moe
