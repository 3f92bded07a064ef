/// Where config.json says how queries and keys are rotated (RoPE), in every spelling that transformers reads.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "multipl_moe/io/config_fields.hpp"

namespace multipl_moe {

/// How the rotation's wavelengths are stretched for texts that are longer than those of pretraining.
struct RotaryScaling {
  enum class Type {
    none,
    linear,   ///< every wavelength times `factor`
    dynamic,  ///< a larger base, the longer a text is beyond `original_positions`
    yarn,     ///< short wavelengths stay, long ones times `factor`, a ramp between them
    llama3    ///< the same with the ramp in other terms
  };
  Type type = Type::none;
  double factor = 1;
  /// The length of pretraining, in tokens; of none and of linear 0.
  std::int64_t original_positions = 0;
  /// Of yarn: what sines and cosines are multiplied by.
  double attention_factor = 1;
  /// Of yarn: turns within `original_positions` from which on a wavelength stays, and up to which it is stretched.
  double beta_fast = 32, beta_slow = 1;
  /// Of yarn: whether the ramp begins and ends at whole channels.
  bool truncate = true;
  /// Of llama3: turns within `original_positions` up to which a wavelength is stretched, and from which on it stays.
  double low_freq_factor = 1, high_freq_factor = 4;

  bool operator==(const RotaryScaling&) const = default;
};

struct Rotation {
  double theta = 10000;
  RotaryScaling scaling{};

  bool operator==(const Rotation&) const = default;
};

/// The rotation that a file describes in `rope_theta`, `rope_parameters` or `rope_scaling`, whose kind is `rope_type`
/// or, in older files, `type`; where the class has types of layers, an object may hold another one for each. As in
/// transformers the base inside an object goes before the one outside, and `max_position_embeddings` is the length of
/// pretraining where nothing says another. Throws BadFile for a kind that is not computed here (longrope and those of
/// other models), where objects of the file differ, for a value that no rotation can have, and for a field of an object
/// that its kind does not read. `theta` is the base where the file has none.
Rotation rotation_of(const Fields& fields, double theta, std::int64_t max_position_embeddings, bool has_layer_types);

/// What is wrong with `scaling`, as fault_in() says it, with `prefix` before names; empty where nothing is.
std::optional<std::string> fault_in(const RotaryScaling& scaling, std::string_view prefix = "rope_scaling.");

/// The object `rope_scaling` of a file, which every transformers reads; null where nothing is stretched.
nlohmann::ordered_json rope_scaling_json(const RotaryScaling& scaling);

}  // namespace multipl_moe
