/// A tensor of a model, wherever its values are stored.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "moe/core/bfloat16.hpp"

namespace multipl_moe {

/// Views of bytes as values.
inline std::span<const float> as_floats(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const float*>(bytes.data()), bytes.size() / sizeof(float)};
}
inline std::span<float> as_floats(std::span<std::byte> bytes) {
  return {reinterpret_cast<float*>(bytes.data()), bytes.size() / sizeof(float)};
}
inline std::span<const moe::BFloat16> as_bfloat16s(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const moe::BFloat16*>(bytes.data()), bytes.size() / sizeof(moe::BFloat16)};
}
inline std::span<moe::BFloat16> as_bfloat16s(std::span<std::byte> bytes) {
  return {reinterpret_cast<moe::BFloat16*>(bytes.data()), bytes.size() / sizeof(moe::BFloat16)};
}

/// A weight, buffer, gradient or tensor of the optimizer state. It refers to values in the memory of a model, which
/// must outlive it.
struct TensorRef {
  /// Number of bytes that are copied between a device and the host at a time.
  static constexpr std::size_t piece_bytes = std::size_t{1} << 24;

  std::string name;
  std::vector<std::int64_t> shape;
  std::string_view dtype = "F32";  ///< safetensors dtype: "F32", "BF16" or "U16"
  /// True for thresholds and counters, which no optimizer updates.
  bool is_buffer = false;
  /// Number of bytes of all values.
  std::size_t bytes = 0;
  /// True if the values are on another rank of a run: fill() then does nothing.
  bool is_elsewhere = false;
  /// The values if they are in host memory; empty if they are on a device, where read and write copy them.
  std::span<std::byte> memory{};
  /// Copies bytes.size() bytes from byte `first` on to the host; complete on return.
  std::function<void(std::size_t first, std::span<std::byte> bytes)> read{};
  /// The inverse; `bytes` may be reused on return.
  std::function<void(std::size_t first, std::span<const std::byte> bytes)> write{};

  /// The values in host memory; empty for another dtype.
  std::span<float> floats() const { return dtype == "F32" ? as_floats(memory) : std::span<float>(); }
  std::span<moe::BFloat16> bfloat16s() const {
    return dtype == "BF16" ? as_bfloat16s(memory) : std::span<moe::BFloat16>();
  }

  /// Calls use(first, bytes) with all bytes in order: at once if they are in host memory, otherwise in pieces.
  template <class Use>
  void for_each_piece(const Use& use) const {
    if (!memory.empty()) return use(std::size_t{0}, std::span<const std::byte>(memory));
    for_each_part([&](std::size_t first, std::span<std::byte> part) {
      read(first, part);
      use(first, std::span<const std::byte>(part));
    });
  }
  /// Calls make(first, bytes) for all bytes in order, in the same pieces, and stores what it writes to them.
  template <class Make>
  void fill(const Make& make) const {
    if (is_elsewhere) return;
    if (!memory.empty()) return make(std::size_t{0}, memory);
    for_each_part([&](std::size_t first, std::span<std::byte> part) {
      make(first, part);
      write(first, part);
    });
  }

 private:
  template <class F>
  void for_each_part(const F& f) const {
    std::vector<std::byte> room(std::min(piece_bytes, bytes));
    for (std::size_t first = 0; first < bytes; first += piece_bytes)
      f(first, std::span(room).first(std::min(piece_bytes, bytes - first)));
  }
};

}  // namespace multipl_moe
