#pragma once

#include <concepts>

#include "moe/concepts/module.hpp"

namespace moe {

/// Joins the outputs of the token and the segment level (eq. 6). `mass_T` is, for each row, the sum of its segment-level
/// gates: 0 where no expert chose the row's segment. Fusions that learn are modules; those that do not visit nothing.
template <class F>
concept Fusion = requires(const F& fusion) {
  { F::needs_mass } -> std::convertible_to<bool>;
  { fusion.structure() } -> std::same_as<F>;
};

}  // namespace moe
