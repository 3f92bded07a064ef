/// Fields of config.json that no weight and no product depends on. With what the reader of a configuration asks for
/// this is every field that transformers' classes for our models have, or had.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "multipl_moe/io/config_fields.hpp"

namespace multipl_moe {

/// A field, and why a model is the same whatever it says. Listed in docs/08_from_qwen.md.
struct IdleField {
  std::string_view name, why;
};
std::span<const IdleField> idle_fields();

/// A field that would make another model of it, and the one value, as JSON, that it may have.
struct NeutralField {
  std::string_view name, value;
};
std::span<const NeutralField> neutral_fields();
/// Throws BadFile for a field of neutral_fields() with another value.
void require_neutral(const Fields& fields);

/// What is left of `fields` once a reader has asked for all that it knows and neither list has it, in alphabetical
/// order. Settings of generation count where they say more than their defaults.
std::vector<std::string> unknown_fields(const Fields& fields);

}  // namespace multipl_moe
