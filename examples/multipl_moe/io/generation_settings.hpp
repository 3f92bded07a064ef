/// All generation settings of transformers, including those that are not read here.
#pragma once

#include <span>
#include <string_view>

#include "multipl_moe/io/config_fields.hpp"

namespace multipl_moe {

/// A setting and its neutral value as JSON, with which it has no effect; empty: every value is neutral.
struct GenerationSetting {
  std::string_view name, neutral;
};
std::span<const GenerationSetting> generation_settings();

/// Marks the settings with neutral values as read.
void ignore_neutral_settings(const Fields& fields);

}  // namespace multipl_moe
