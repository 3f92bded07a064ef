/// The rotary position embedding (RoPE) of config.json, in every spelling that transformers reads.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "multipl_moe/io/config_fields.hpp"

namespace multipl_moe {

/// RoPE scaling: how wavelengths are stretched for texts that are longer than those of pretraining.
struct RotaryScaling {
  enum class Type {
    none,
    linear,   ///< every wavelength times `factor`
    dynamic,  ///< the base grows with the length of a text beyond `original_positions`
    yarn,     ///< short wavelengths are kept, long ones are multiplied by `factor`, with a ramp in between
    llama3    ///< the same with another parametrization of the ramp
  };
  Type type = Type::none;
  double factor = 1;
  /// Sequence length of pretraining, in tokens; 0 for none and linear.
  std::int64_t original_positions = 0;
  /// yarn: the factor of sines and cosines.
  double attention_factor = 1;
  /// yarn: turns within `original_positions` from which on a wavelength is kept, and up to which it is stretched.
  double beta_fast = 32, beta_slow = 1;
  /// yarn: whether the ramp begins and ends at whole channels.
  bool truncate = true;
  /// llama3: turns within `original_positions` up to which a wavelength is stretched, and from which on it is kept.
  double low_freq_factor = 1, high_freq_factor = 4;

  bool operator==(const RotaryScaling&) const = default;
};

struct Rotation {
  double theta = 10000;
  RotaryScaling scaling{};

  bool operator==(const Rotation&) const = default;
};

/// The rotation that a file describes in `rope_theta`, `rope_parameters` or `rope_scaling`. Its type is `rope_type` or,
/// in older files, `type`; if the class has layer types, an object may hold one object for each of them. As in
/// transformers, a base inside an object takes precedence over the one outside, and `max_position_embeddings` is the
/// default of the pretraining length. `theta` is the base if the file has none. Throws BadFile for an unsupported type
/// (longrope and those of other models), if objects of the file differ, for a value that is out of range, and for a
/// field of an object that its type does not use.
Rotation rotation_of(const Fields& fields, double theta, std::int64_t max_position_embeddings, bool has_layer_types);

/// The first fault of `scaling`, as in fault_in() of a model, with `prefix` before names; empty if there is none.
std::optional<std::string> fault_in(const RotaryScaling& scaling, std::string_view prefix = "rope_scaling.");

/// The object `rope_scaling` of a file, which every version of transformers reads; null without scaling.
nlohmann::ordered_json rope_scaling_json(const RotaryScaling& scaling);

}  // namespace multipl_moe
