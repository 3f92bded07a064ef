/// The settings of mixtures and where they have an effect: for config.json, for the flags that create a model, and for
/// the settings that a resumed run must share.
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
  /// A value of another setting without which this one has no effect.
  struct Need {
    std::string_view flag;
    std::string MoeConfig::*field;
    std::string_view value;
  };

  std::string_view key;   ///< in config.json's object `moe`
  std::string_view flag;  ///< empty if no flag sets it
  std::string_view help;  ///< help text of the flag
  std::variant<std::string MoeConfig::*, std::int64_t MoeConfig::*, double MoeConfig::*, bool MoeConfig::*,
               std::vector<std::string> MoeConfig::*>
      field;
  /// Range of a number.
  double least = 0, most = 0;
  /// Allowed values of a string.
  std::span<const std::string_view> choices{};
  /// The spelling of a value in version 0.1, which is still read, and its current spelling.
  std::pair<std::string_view, std::string_view> former_choice{};
  std::optional<Need> need{};
};

/// The settings of all architectures, each once. A setting precedes those that depend on it.
std::span<const MixtureSetting* const> mixture_settings();

/// `value` of a string setting in its current spelling.
std::string current_spelling(const MixtureSetting& setting, std::string value);

/// Whether `setting` has an effect in the layers that `moe` describes.
bool applies(const MixtureSetting& setting, const MoeConfig& moe);
/// Where `setting` would have an effect, for messages: `a setting of --arch lora, found --arch mixtral`.
std::string where_it_applies(const MixtureSetting& setting, const MoeConfig& moe);
/// Rule and value of the first setting that is out of its range, whether it applies or not; empty if there is none.
std::optional<std::string> fault_in_settings(const MoeConfig& moe);

/// The settings of `moe` that do not apply and differ from the architecture's values, as in config.json:
/// `segment_window = 8`. Resets them to the architecture's values.
std::vector<std::string> take_idle_settings(MoeConfig& moe, std::int64_t intermediate_size);

/// `text`, a message of fault_in(), with flags in place of config.json's names.
std::string in_flags(std::string text);

}  // namespace multipl_moe
