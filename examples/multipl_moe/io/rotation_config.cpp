#include "multipl_moe/io/rotation_config.hpp"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "multipl_moe/io/errors.hpp"

namespace multipl_moe {

namespace {

using Type = RotaryScaling::Type;

constexpr std::array types{std::pair("linear", Type::linear), std::pair("dynamic", Type::dynamic),
                           std::pair("yarn", Type::yarn), std::pair("llama3", Type::llama3)};

std::string_view name_of(Type type) {
  for (const auto& [name, value] : types)
    if (value == type) return name;
  return "default";
}

/// The rotation that an object of the file describes, and the name of the object for messages.
struct Found {
  std::string name;
  Rotation rotation;
};

void require_same(const Fields& fields, std::optional<Found>& known, Found found) {
  if (known && known->rotation.theta != found.rotation.theta)
    throw BadFile(fields.path(), fmt::format("{} must have the base of {}, {}, found {}", found.name, known->name,
                                             known->rotation.theta, found.rotation.theta));
  if (known && known->rotation != found.rotation)
    throw BadFile(fields.path(), fmt::format("{} must have the rotation of {}, {}, found {}", found.name, known->name,
                                             rope_scaling_json(known->rotation.scaling).dump(),
                                             rope_scaling_json(found.rotation.scaling).dump()));
  if (!known) known = std::move(found);
}

/// The type of one object. If both spellings are present, they must agree.
Type type_of(const Fields& rotation) {
  std::string kind;
  for (const char* name : {"rope_type", "type"}) {
    if (!rotation.has(name)) continue;
    if (!kind.empty())
      rotation.require_one_of(name, {kind});
    else
      rotation.require_one_of(name, {"default", "linear", "dynamic", "yarn", "llama3"});
    kind = rotation.text(name, "");
  }
  for (const auto& [name, type] : types)
    if (kind == name) return type;
  return Type::none;
}

/// 0.1 w ln(factor) + 1, the temperature of attention in YaRN (arXiv 2309.00071, eq. 22).
double yarn_magnitude(double factor, double weight) {
  return factor <= 1 ? 1.0 : 0.1 * weight * std::log(factor) + 1.0;
}

void read_yarn(const Fields& rotation, RotaryScaling& scaling) {
  // Zero counts as absent in transformers.
  const auto nonzero = [&](const char* name, double otherwise) {
    const double value = rotation.number(name, otherwise);
    return value == 0 ? otherwise : value;
  };
  const double mscale = rotation.number("mscale", 0), all_dim = rotation.number("mscale_all_dim", 0);
  const double usual = mscale != 0 && all_dim != 0
                           ? yarn_magnitude(scaling.factor, mscale) / yarn_magnitude(scaling.factor, all_dim)
                           : yarn_magnitude(scaling.factor, 1);
  scaling.attention_factor = rotation.number("attention_factor", usual);
  scaling.beta_fast = nonzero("beta_fast", scaling.beta_fast);
  scaling.beta_slow = nonzero("beta_slow", scaling.beta_slow);
  // In transformers null means false, and a missing field means true.
  scaling.truncate = rotation.boolean("truncate", !rotation.is_null("truncate"));
}

/// Reads the fields that the type of an object uses. Linear scaling by 1 is the same as none.
RotaryScaling read_scaling(const Fields& rotation, std::int64_t max_position_embeddings,
                           std::optional<std::int64_t> original) {
  RotaryScaling scaling{.type = type_of(rotation)};
  rotation.require_equal("partial_rotary_factor", "1");
  if (scaling.type != Type::yarn) rotation.require_equal("attention_factor", "1");
  if (scaling.type == Type::none) {
    rotation.require_equal("factor", "1");
    rotation.ignore("original_max_position_embeddings");
    return scaling;
  }
  const bool has_ratio = scaling.type == Type::yarn && rotation.is_null("factor");
  if (!has_ratio) scaling.factor = rotation.number("factor");
  if (scaling.type == Type::linear || scaling.type == Type::dynamic) {
    rotation.ignore("original_max_position_embeddings");
    if (scaling.type == Type::linear && scaling.factor == 1) return {};
    if (scaling.type == Type::dynamic) scaling.original_positions = max_position_embeddings;
  } else {
    scaling.original_positions = rotation.integer("original_max_position_embeddings", max_position_embeddings);
    if (original) scaling.original_positions = *original;
    if (has_ratio && scaling.original_positions > 0)
      scaling.factor = static_cast<double>(max_position_embeddings) / static_cast<double>(scaling.original_positions);
  }
  if (scaling.type == Type::yarn) read_yarn(rotation, scaling);
  if (scaling.type == Type::llama3) {
    scaling.low_freq_factor = rotation.number("low_freq_factor");
    scaling.high_freq_factor = rotation.number("high_freq_factor");
  }
  // An invalid max_position_embeddings is reported later under its own name.
  if (max_position_embeddings > 0)
    if (const auto fault = fault_in(scaling, rotation.prefix())) throw BadFile(rotation.path(), *fault);
  return scaling;
}

}  // namespace

Rotation rotation_of(const Fields& fields, double theta, std::int64_t max_position_embeddings, bool has_layer_types) {
  fields.require_equal("partial_rotary_factor", "1");
  const double outer = fields.number("rope_theta", theta);
  std::optional<std::int64_t> original;
  if (fields.has("original_max_position_embeddings")) original = fields.integer("original_max_position_embeddings");

  std::optional<Found> found;
  const auto add = [&](const Fields& rotation, const std::string& name) {
    const RotaryScaling scaling = read_scaling(rotation, max_position_embeddings, original);
    require_same(fields, found, {name, {rotation.number("rope_theta", outer), scaling}});
  };
  for (const std::string name : {"rope_scaling", "rope_parameters"}) {
    fields.ignore(name);
    if (fields.is_absent_or(name, "{}")) continue;
    const Fields rotation = *fields.object(name);
    const auto objects = rotation.objects();
    for (const auto& [type, inner] : objects) {
      if (!has_layer_types)
        throw BadFile(fields.path(), fmt::format("{}.{} must be absent: a {} has no layer types with rotations of "
                                                 "their own",
                                                 name, escaped(type, 60), fields.text("model_type", "")));
      add(inner, fmt::format("{}.{}", name, escaped(type, 60)));
      inner.require_all_read();
    }
    // Beside objects for layer types, it may repeat their settings.
    if (objects.empty() || rotation.has("rope_theta") || rotation.has("rope_type") || rotation.has("type"))
      add(rotation, name);
    rotation.require_all_read();
  }
  return found ? found->rotation : Rotation{outer, {}};
}

std::optional<std::string> fault_in(const RotaryScaling& s, std::string_view prefix) {
  const auto outside = [prefix](const char* name, double value, double least,
                                double most) -> std::optional<std::string> {
    if (value >= least && value <= most) return std::nullopt;
    return fmt::format("{}{} must be {} to {}, found {}", prefix, name, least, most, value);
  };
  constexpr double largest = 1e6;
  if (auto fault = outside("factor", s.factor, 1e-6, largest)) return fault;
  if (s.type == Type::none || s.type == Type::linear) return std::nullopt;
  if (auto fault = outside("original_max_position_embeddings", static_cast<double>(s.original_positions), 1, 0x1p31))
    return fault;
  if (auto fault = outside("attention_factor", s.attention_factor, 0, largest)) return fault;
  if (auto fault = outside("beta_slow", s.beta_slow, 1e-6, largest)) return fault;
  if (auto fault = outside("beta_fast", s.beta_fast, s.beta_slow, largest)) return fault;
  if (auto fault = outside("low_freq_factor", s.low_freq_factor, 1e-6, largest)) return fault;
  if (s.high_freq_factor > s.low_freq_factor) return outside("high_freq_factor", s.high_freq_factor, 0, largest);
  return fmt::format("{}high_freq_factor must be above low_freq_factor, {}, found {}", prefix, s.low_freq_factor,
                     s.high_freq_factor);
}

nlohmann::ordered_json rope_scaling_json(const RotaryScaling& s) {
  if (s.type == Type::none) return nullptr;
  nlohmann::ordered_json json{{"rope_type", name_of(s.type)}, {"factor", s.factor}};
  if (s.type == Type::yarn || s.type == Type::llama3) json["original_max_position_embeddings"] = s.original_positions;
  if (s.type == Type::yarn) {
    json["attention_factor"] = s.attention_factor;
    json["beta_fast"] = s.beta_fast;
    json["beta_slow"] = s.beta_slow;
    json["truncate"] = s.truncate;
  }
  if (s.type == Type::llama3) {
    json["low_freq_factor"] = s.low_freq_factor;
    json["high_freq_factor"] = s.high_freq_factor;
  }
  return json;
}

}  // namespace multipl_moe
