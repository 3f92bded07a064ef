/// Where AdamW's state is kept while a model trains.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace multipl_moe {

/// Where AdamW's moments and the lower halves of split master weights are between two steps. Results are the same.
enum class StatePlace : std::uint8_t {
  device,  ///< beside the weights
  host     ///< in pinned memory of the host, through the GPU in pieces when it is updated
};

/// Values of --optimizer-state, in the order of the enum.
inline constexpr std::array<std::string_view, 2> state_place_names{"device", "host"};

}  // namespace multipl_moe
