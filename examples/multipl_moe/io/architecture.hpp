/// The architectures that a configuration can name: what the program knows of each stands in one file of
/// architectures/.
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
  /// The settings that decide something in it, in the order of config.json: one that another needs comes first.
  std::span<const MixtureSetting* const> settings;
  /// Sets what is published of it beside MoeConfig's defaults, for a dense FFN of so many channels.
  void (*publish)(MoeConfig& moe, std::int64_t intermediate_size);
  /// Field, rule and value of a setting that does not fit the others; empty where all fit.
  std::optional<std::string> (*fault)(const MoeConfig& moe);
  /// Whether the feed-forward networks stay and get adapters.
  bool is_adapted = false;
  /// Whether its experts may have another activation than SiLU.
  bool has_any_activation = false;
  /// Of adapters: how many values a layer's have, at most; in double, where nothing overflows.
  double (*adapter_values)(const ModelConfig& config) = nullptr;
  /// Why no class of transformers holds its models, for those of which none does.
  std::string_view why_not_exported = "transformers has no such layer";
  /// How its layers are made, trained and upcycled (model/layer_work.hpp).
  const LayerWork* work = nullptr;

  bool has(const MixtureSetting& setting) const;
};

/// All of them, in the order in which they are listed to a user; "dense" is none.
std::span<const Architecture* const> architectures();
/// Null where no architecture has that name.
const Architecture* find_architecture(std::string_view name);
/// Throws UsageError that lists the names.
const Architecture& architecture_named(std::string_view name);

}  // namespace multipl_moe
