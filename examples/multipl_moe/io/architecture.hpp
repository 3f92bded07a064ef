/// The architectures that a configuration can name. Each is defined in a file of architectures/.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "multipl_moe/io/mixture_settings.hpp"
#include "multipl_moe/io/model_config.hpp"

namespace multipl_moe {

struct LayerWork;

struct Architecture {
  std::string_view name;
  /// The settings that have an effect in it, in the order of config.json. A setting precedes those that depend on it.
  std::span<const MixtureSetting* const> settings;
  /// Sets the published values that differ from MoeConfig's defaults. `intermediate_size`: inner width of the dense
  /// FFN.
  void (*publish)(MoeConfig& moe, std::int64_t intermediate_size);
  /// Field, rule and value of a setting that is inconsistent with the others; empty if all are consistent.
  std::optional<std::string> (*fault)(const MoeConfig& moe);
  /// Whether the dense feed-forward networks are kept and get adapters.
  bool is_adapted = false;
  /// Whether its experts may have activations other than SiLU.
  bool has_any_activation = false;
  /// For adapters: upper bound of the number of values in the adapters of a layer; in double to avoid overflow.
  double (*adapter_values)(const ModelConfig& config) = nullptr;
  /// The reason why no class of transformers can represent its models, if none can.
  std::string_view why_not_exported = "transformers has no such layer";
  /// How its layers are made, trained and upcycled (model/layer_work.hpp).
  const LayerWork* work = nullptr;

  bool has(const MixtureSetting& setting) const;
};

/// All architectures, in the order in which they are listed to a user; "dense" is not one of them.
std::span<const Architecture* const> architectures();
/// The architecture of that name; null if there is none.
const Architecture* find_architecture(std::string_view name);
/// The architecture of that name. Throws UsageError, which lists the names, if there is none.
const Architecture& architecture_named(std::string_view name);

}  // namespace multipl_moe
