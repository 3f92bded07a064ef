#pragma once

#include "moe/core/index.hpp"

namespace moe::archetype {

/// Stands for any backend in concepts that check whether a template accepts a backend. It is never used to compute.
struct Backend {
  /// As in a host backend.
  static constexpr bool is_host = true;
  struct Context {};
  template <class Value>
  struct Buffer {};
};

}  // namespace moe::archetype
