#pragma once

#include "moe/core/index.hpp"

namespace moe {

/// A backend without memory: matrices know their extents and hold nothing. Modules and layers of any size can be built
/// on it, walked and counted; the only verb is one that constructors use, so nothing runs.
struct Shape {
  static constexpr bool is_host = false;
  static constexpr bool has_arithmetic = false;

  struct Context {};

  template <class Value>
  class Buffer {
   public:
    Buffer() = default;
    explicit Buffer(Index) {}
    Buffer(const Context&, Index) {}
    Buffer(Buffer&&) noexcept = default;
    Buffer& operator=(Buffer&&) noexcept = default;
    Buffer copy() const { return {}; }
    void fill_zero() {}
    Value* data() { return nullptr; }
    const Value* data() const { return nullptr; }
  };

  template <class Value, class To>
  static void upload(const Context&, const Value*, To) {}
};

}  // namespace moe
