/// Every setting of generation that transformers knows, whether it is read here or not.
#pragma once

#include <span>
#include <string_view>

#include "multipl_moe/io/config_fields.hpp"

namespace multipl_moe {

/// A setting, and the value, as JSON, with which it changes nothing; empty: every one.
struct GenerationSetting {
  std::string_view name, neutral;
};
std::span<const GenerationSetting> generation_settings();

/// Counts those that change nothing as read.
void ignore_neutral_settings(const Fields& fields);

}  // namespace multipl_moe
