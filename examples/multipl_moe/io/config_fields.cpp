#include "multipl_moe/io/config_fields.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "multipl_moe/io/errors.hpp"

namespace multipl_moe {

using Json = nlohmann::json;

Fields::Fields(const Json& object, const std::filesystem::path& path, std::string prefix)
    : object_(object), path_(path), prefix_(std::move(prefix)) {
  if (!object_.is_object()) throw BadFile(path_, fmt::format("must be a JSON object, found {}", object_.type_name()));
}

const Json* Fields::look(std::string_view name) const {
  const auto found = object_.find(name);
  return found == object_.end() || found->is_null() ? nullptr : &*found;
}

const Json* Fields::find(std::string_view name) const {
  asked_.emplace(name);
  return look(name);
}

void Fields::fail(std::string_view name, std::string_view rule, const Json& found) const {
  const std::string value = found.dump(-1, ' ', true, Json::error_handler_t::replace);
  throw BadFile(path_, fmt::format("{}{} must be {}, found {}", prefix_, name, rule, escaped(value, 60)));
}

namespace {

bool fits_64_bits(const Json& value) {
  constexpr auto largest = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  return value.is_number_integer() && !(value.is_number_unsigned() && value.get<std::uint64_t>() > largest);
}

}  // namespace

std::int64_t Fields::integer(std::string_view name) const {
  const Json* const value = find(name);
  if (value == nullptr) throw BadFile(path_, fmt::format("{}{} is missing", prefix_, name));
  if (!fits_64_bits(*value)) fail(name, "an integer below 2^63", *value);
  return value->get<std::int64_t>();
}

std::int64_t Fields::integer(std::string_view name, std::int64_t otherwise) const {
  return find(name) == nullptr ? otherwise : integer(name);
}

double Fields::number(std::string_view name) const {
  const Json* const value = find(name);
  if (value == nullptr) throw BadFile(path_, fmt::format("{}{} is missing", prefix_, name));
  if (!value->is_number()) fail(name, "a number", *value);
  return value->get<double>();
}

double Fields::number(std::string_view name, double otherwise) const {
  return find(name) == nullptr ? otherwise : number(name);
}

bool Fields::boolean(std::string_view name, bool otherwise) const {
  const Json* const value = find(name);
  if (value == nullptr) return otherwise;
  if (!value->is_boolean()) fail(name, "true or false", *value);
  return value->get<bool>();
}

std::vector<std::int64_t> Fields::integers(std::string_view name) const {
  const Json* const value = find(name);
  std::vector<std::int64_t> result;
  if (value == nullptr) return result;
  const Json list = value->is_array() ? *value : Json::array({*value});
  for (const Json& entry : list) {
    if (!fits_64_bits(entry)) fail(name, "an integer below 2^63 or an array of them", *value);
    result.push_back(entry.get<std::int64_t>());
  }
  return result;
}

bool Fields::is_null(std::string_view name) const {
  const auto found = object_.find(name);
  return found != object_.end() && found->is_null();
}

bool Fields::is_text(std::string_view name) const {
  const Json* const value = find(name);
  return value != nullptr && value->is_string();
}

std::string Fields::text(std::string_view name, std::string_view otherwise) const {
  const Json* const value = find(name);
  if (value == nullptr) return std::string(otherwise);
  if (!value->is_string()) fail(name, "a string", *value);
  return value->get<std::string>();
}

std::vector<std::string> Fields::texts(std::string_view name, const std::vector<std::string>& otherwise) const {
  const Json* const value = find(name);
  if (value == nullptr) return otherwise;
  if (!value->is_array()) fail(name, "an array of strings", *value);
  std::vector<std::string> result;
  for (const Json& entry : *value) {
    if (!entry.is_string()) fail(name, "an array of strings", *value);
    result.push_back(entry.get<std::string>());
  }
  return result;
}

std::optional<Fields> Fields::object(std::string_view name) const {
  const Json* const value = find(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_object()) fail(name, "an object", *value);
  return Fields(*value, path_, fmt::format("{}{}.", prefix_, name));
}

void Fields::require_one_of(std::string_view name, std::span<const std::string_view> values) const {
  const Json* const value = find(name);
  if (value == nullptr) return;
  const auto equal = [value](std::string_view valid) {
    return value->is_string() && value->get_ref<const std::string&>() == valid;
  };
  if (std::none_of(values.begin(), values.end(), equal))
    fail(name, fmt::format("\"{}\"", fmt::join(values, "\" or \"")), *value);
}

void Fields::require_equal(std::string_view name, std::string_view json) const {
  const Json* const value = find(name);
  if (!is_absent_or(name, json)) fail(name, json == "null" ? "absent or null" : json, *value);
}

bool Fields::is_absent_or(std::string_view name, std::string_view json) const {
  const Json* const value = look(name);
  return value == nullptr || *value == Json::parse(json);
}

std::vector<std::pair<std::string, Fields>> Fields::objects() const {
  std::vector<std::pair<std::string, Fields>> result;
  for (const auto& [name, value] : object_.items())
    if (value.is_object()) result.emplace_back(name, *object(name));
  return result;
}

std::vector<std::string> Fields::unread() const {
  std::vector<std::string> names;
  for (const auto& [name, value] : object_.items())
    if (!value.is_null() && !asked_.contains(name)) names.push_back(prefix_ + name);
  return names;
}

void Fields::require_all_read() const {
  for (const auto& [name, value] : object_.items())
    if (!value.is_null() && !asked_.contains(name)) fail(escaped(name, 60), "absent or null", value);
}

}  // namespace multipl_moe
