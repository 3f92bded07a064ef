#pragma once

#include "moe/backend/contract/checked.hpp"
#include "moe/backend/shape/memory.hpp"
#include "moe/core/team.hpp"

namespace moe {

/// A backend without memory: matrices have extents but no values. Modules and layers of any size can be built on it,
/// walked and counted. Its only operation is upload, which constructors use, so no layer can run.
struct Shape : shape::MemoryOperations {
  /// It has no arithmetic operations.
  static constexpr bool has_arithmetic = false;

  /// An empty context.
  using Context = shape::Context;
  /// A single thread.
  using Team = TeamOfOne;
};

static_assert(check_backend<Shape, float, double>());

}  // namespace moe
