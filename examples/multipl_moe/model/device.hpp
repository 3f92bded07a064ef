/// The device on which a model is held and computes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace multipl_moe {

struct Device {
  enum class Kind : std::uint8_t { cpu, cuda };
  Kind kind = Kind::cpu;
  /// Number of the GPU, in the CUDA runtime's order; 0 for the CPU.
  int index = 0;

  friend bool operator==(const Device&, const Device&) = default;
};

/// The device named `cpu`, `cuda`, which is the first GPU, or `cuda:N`. Throws UsageError for any other name. Whether
/// the device exists is not checked.
Device device_named(std::string_view name);
/// `cpu` or `cuda:N`.
std::string name_of(const Device& device);

}  // namespace multipl_moe
