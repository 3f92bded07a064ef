#pragma once

#include "moe/backend/contract/checked.hpp"
#include "moe/backend/shape/memory.hpp"
#include "moe/core/team.hpp"

namespace moe {

/// A backend without memory: matrices know their extents and hold nothing. Modules and layers of any size can be built
/// on it, walked and counted; the only operation is one that constructors use, so nothing runs.
struct Shape : shape::MemoryOperations {
  /// Nothing runs on it.
  static constexpr bool has_arithmetic = false;

  /// What a run would carry.
  using Context = shape::Context;
  /// Of no thread but the one that asks.
  using Team = TeamOfOne;
};

static_assert(check_backend<Shape, float, double>());

}  // namespace moe
