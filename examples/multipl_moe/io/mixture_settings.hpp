/// Which setting of a mixture decides something, and where: for config.json, for the flags that make a new model, and
/// for what a run is resumed by.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "multipl_moe/io/model_config.hpp"

namespace multipl_moe {

struct MixtureSetting {
  /// A value of another setting without which this one decides nothing.
  struct Need {
    std::string_view flag;
    std::string MoeConfig::*field;
    std::string_view value;
  };

  std::string_view key;   ///< in config.json's object `moe`
  std::string_view flag;  ///< empty where no flag sets it
  std::string_view help;  ///< of the flag
  std::variant<std::string MoeConfig::*, std::int64_t MoeConfig::*, double MoeConfig::*, bool MoeConfig::*,
               std::vector<std::string> MoeConfig::*>
      field;
  /// Of a number.
  double least = 0, most = 0;
  /// Of a text.
  std::span<const std::string_view> choices{};
  /// A choice's spelling in version 0.1, which is still read, and its spelling now.
  std::pair<std::string_view, std::string_view> former_choice{};
  std::optional<Need> need{};
};

/// Those of all architectures, each once: one that another needs comes first.
std::span<const MixtureSetting* const> mixture_settings();

/// `value` of a text setting in today's spelling.
std::string current_spelling(const MixtureSetting& setting, std::string value);

/// Whether `setting` decides anything in the layers that `moe` describes.
bool applies(const MixtureSetting& setting, const MoeConfig& moe);
/// Where it would: `a setting of --arch lora, found --arch mixtral`.
std::string where_it_applies(const MixtureSetting& setting, const MoeConfig& moe);
/// Rule and value of the first setting that lies outside its range, whether it applies or not; empty where none does.
std::optional<std::string> fault_in_settings(const MoeConfig& moe);

/// What `moe` says beside what applies() to it, as it stands in config.json: `segment_window = 8`. From here on it
/// has the architecture's own values there.
std::vector<std::string> take_idle_settings(MoeConfig& moe, std::int64_t intermediate_size);

/// `text`, a fault_in(), with flags in place of config.json's names.
std::string in_flags(std::string text);

}  // namespace multipl_moe
