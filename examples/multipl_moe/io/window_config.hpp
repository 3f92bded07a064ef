/// Which layers of a model attend to a window of the text, as config.json says it.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <vector>

#include "multipl_moe/io/config_fields.hpp"

namespace multipl_moe {

/// ModelConfig::windows of a file. A Mixtral has `sliding_window` in every layer; a Qwen2 that says use_sliding_window
/// has it where `layer_types` says so or, without that field, from layer `max_window_layers` on (28 where the file has
/// none), and a Qwen2-MoE in every other layer before it. Throws BadFile for other types of layers and where the fields
/// contradict each other.
std::vector<std::int64_t> windows_of(const Fields& fields, std::int64_t layers);

/// Whether all layers have the same window or none.
bool has_one_window(std::span<const std::int64_t> windows);

/// The fields `sliding_window` and `layer_types`, and `max_window_layers` where windows begin at one layer and go on to
/// the last, for readers that know no layer_types; no field where there is no window.
nlohmann::ordered_json windows_json(std::span<const std::int64_t> windows);

}  // namespace multipl_moe
