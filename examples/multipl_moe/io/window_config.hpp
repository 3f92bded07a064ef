/// Which layers of a model attend to a window of the text, as config.json says it.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <vector>

#include "multipl_moe/io/config_fields.hpp"

namespace multipl_moe {

/// The layers of a family that have the window of `sliding_window`.
enum class WindowLayers {
  from_a_layer_on,     ///< where use_sliding_window is true, those from `max_window_layers` on (28 where it is missing)
  every_other_before,  ///< where use_sliding_window is true, the first, third, ... before `max_window_layers`
  all_if_used,         ///< all where use_sliding_window is true; the family reads no list of layers
  all                  ///< all where there is a width; the family reads neither use_sliding_window nor a list
};

/// Whether the family reads `layer_types`, and so may have another rotation for each type.
inline bool has_layer_types(WindowLayers family) {
  return family == WindowLayers::from_a_layer_on || family == WindowLayers::every_other_before;
}

/// ModelConfig::windows of a file: the layers that `layer_types` lists as sliding or, without that field, those of the
/// family. Throws BadFile for other types of layers and where the fields contradict each other.
std::vector<std::int64_t> windows_of(const Fields& fields, WindowLayers family, std::int64_t layers);

/// Whether all layers have the same window or none.
bool has_one_window(std::span<const std::int64_t> windows);

/// The fields `sliding_window` and `layer_types`, and `max_window_layers` where windows begin at one layer and go on to
/// the last, for readers that know no layer_types; no field where there is no window.
nlohmann::ordered_json windows_json(std::span<const std::int64_t> windows);

}  // namespace multipl_moe
