#pragma once

#include <concepts>

#include "moe/core/index.hpp"

namespace moe {

/// What a capacity decides from: how many rows compete, for how many experts.
struct Demand {
  Index rows = 0;
  Index experts = 0;
};

/// Says how many rows an expert may take.
template <class C>
concept Capacity = requires(const C& capacity, Demand demand) {
  { capacity.rows_per_expert(demand) } -> std::same_as<Index>;
};

}  // namespace moe
