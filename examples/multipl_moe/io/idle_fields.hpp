/// Fields of config.json that do not affect the weights or the computation. Together with the fields that the
/// configuration reader reads, these are all current and former fields of the transformers classes of our models.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "multipl_moe/io/config_fields.hpp"

namespace multipl_moe {

/// A field, and the reason why its value does not affect the model. Listed in docs/08_from_qwen.md.
struct IdleField {
  std::string_view name, why;
};
std::span<const IdleField> idle_fields();

/// A field whose other values would change the model, and its only supported value as JSON.
struct NeutralField {
  std::string_view name, value;
};
std::span<const NeutralField> neutral_fields();
/// Throws BadFile for a field of neutral_fields() with another value.
void require_neutral(const Fields& fields);

/// The fields that are neither in one of the lists nor read by the caller before, in alphabetical order. Generation
/// settings with neutral values are not among them.
std::vector<std::string> unknown_fields(const Fields& fields);

}  // namespace multipl_moe
