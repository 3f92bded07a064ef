/// Runs a composition of composition_list.hpp on an emulated device. Each value type has a test file of its own, so
/// that the files compile side by side.
#pragma once

#include "support/ask.hpp"
#include "support/emulated_device.hpp"

namespace moe::testing {

inline constexpr std::uint32_t emulated_cases = 100;

}  // namespace moe::testing
