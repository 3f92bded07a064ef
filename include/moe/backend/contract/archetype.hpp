#pragma once

#include "moe/core/index.hpp"

namespace moe::archetype {

/// A backend that is only ever named: concepts ask whether a template accepts some backend, and this is that one.
struct Backend {
  /// As a host backend has it.
  static constexpr bool is_host = true;
  struct Context {};
  template <class Value>
  struct Buffer {};
};

}  // namespace moe::archetype
