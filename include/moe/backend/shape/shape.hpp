#pragma once

#include "moe/core/index.hpp"
#include "moe/core/team.hpp"

namespace moe {

/// A backend without memory: matrices know their extents and hold nothing. Modules and layers of any size can be built
/// on it, walked and counted; the only verb is one that constructors use, so nothing runs.
struct Shape {
  /// There is no memory to read.
  static constexpr bool is_host = false;
  /// Nothing runs on it.
  static constexpr bool has_arithmetic = false;

  struct Context {};
  /// Nobody works.
  using Team = TeamOfOne;

  /// No memory.
  template <class Value>
  class Buffer {
   public:
    Buffer() = default;
    /// Holds nothing.
    explicit Buffer(Index) {}
    /// Holds nothing.
    Buffer(const Context&, Index) {}
    /// Nothing to move.
    Buffer(Buffer&&) noexcept = default;
    /// Nothing to move.
    Buffer& operator=(Buffer&&) noexcept = default;
    Buffer copy() const { return {}; }
    void fill_zero() {}
    Value* data() { return nullptr; }
    const Value* data() const { return nullptr; }
  };

  /// Nothing travels.
  template <class Value>
  struct Later {
    /// Nowhere.
    const Value* wait() const { return nullptr; }
  };

  /// Does nothing.
  template <class Value, class To>
  static void upload(const Context&, const Value*, To) {}
};

}  // namespace moe
