/// Sliding-window attention: the layers that have a window, as config.json describes them.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <vector>

#include "multipl_moe/io/config_fields.hpp"

namespace multipl_moe {

/// The layers of a family that have the window of `sliding_window`.
enum class WindowLayers {
  from_a_layer_on,     ///< if use_sliding_window is true, those from `max_window_layers` on (default 28)
  every_other_before,  ///< if use_sliding_window is true, the first, third, ... before `max_window_layers`
  all_if_used,         ///< all if use_sliding_window is true; the family does not read layer_types
  all                  ///< all if sliding_window is set; the family reads neither use_sliding_window nor layer_types
};

/// Whether the family reads `layer_types`, and may therefore have another rotation for each type.
inline bool has_layer_types(WindowLayers family) {
  return family == WindowLayers::from_a_layer_on || family == WindowLayers::every_other_before;
}

/// ModelConfig::windows of a file: the layers that `layer_types` lists as sliding or, without that field, those of the
/// family. Throws BadFile for other layer types and if the fields contradict each other.
std::vector<std::int64_t> windows_of(const Fields& fields, WindowLayers family, std::int64_t layers);

/// Whether all layers have the same window or none.
bool has_one_window(std::span<const std::int64_t> windows);

/// The fields `sliding_window` and `layer_types`, and `max_window_layers` if all layers from one on have the window,
/// for readers that do not support layer_types; no field if there is no window.
nlohmann::ordered_json windows_json(std::span<const std::int64_t> windows);

}  // namespace multipl_moe
