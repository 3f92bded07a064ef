#include "multipl_moe/benchmark/json_fields.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/strict_json.hpp"

namespace multipl_moe::benchmark {

namespace {

[[noreturn]] void fail(std::string_view what, const std::string& rule) {
  throw JsonFault({}, fmt::format("{} {}", what, rule));
}

std::string joined(std::initializer_list<const char*> names) {
  std::string text;
  for (const char* name : names) text += fmt::format("{}\"{}\"", text.empty() ? "" : " or ", name);
  return text;
}

}  // namespace

const nlohmann::json* field_of(const nlohmann::json& object, std::initializer_list<const char*> names) {
  for (const char* name : names)
    if (const auto found = object.find(name); found != object.end()) return &*found;
  return nullptr;
}

void require_object(const nlohmann::json& value, std::string_view what) {
  if (!value.is_object()) fail(what, fmt::format("as a JSON object, found {}", value.type_name()));
}

std::string text_in(const nlohmann::json& object, std::string_view what, std::initializer_list<const char*> names) {
  const nlohmann::json* const field = field_of(object, names);
  if (field == nullptr) fail(what, fmt::format("with a string {}, found none", joined(names)));
  if (!field->is_string()) fail(what, fmt::format("with a string {}, found {}", joined(names), field->type_name()));
  return field->get<std::string>();
}

std::string text_or_empty(const nlohmann::json& object, std::string_view what,
                          std::initializer_list<const char*> names) {
  return field_of(object, names) == nullptr ? std::string() : text_in(object, what, names);
}

std::optional<std::int64_t> count_in(const nlohmann::json& object, std::string_view what, const char* name) {
  const nlohmann::json* const field = field_of(object, {name});
  if (field == nullptr) return std::nullopt;
  if (!field->is_number_unsigned() || field->get<std::uint64_t>() > std::uint64_t{1} << 53)
    fail(what, fmt::format("whose \"{}\" is a whole number in 0 .. 2^53, found {}", name, escaped(field->dump(), 60)));
  return field->get<std::int64_t>();
}

std::optional<bool> flag_in(const nlohmann::json& object, std::string_view what, const char* name) {
  const nlohmann::json* const field = field_of(object, {name});
  if (field == nullptr) return std::nullopt;
  if (!field->is_boolean())
    fail(what, fmt::format("whose \"{}\" is true or false, found {}", name, field->type_name()));
  return field->get<bool>();
}

std::vector<std::string> texts_in(const nlohmann::json& object, std::string_view what, const char* name) {
  const nlohmann::json* const field = field_of(object, {name});
  std::vector<std::string> texts;
  if (field == nullptr) return texts;
  if (!field->is_array())
    fail(what, fmt::format("whose \"{}\" is an array of strings, found {}", name, field->type_name()));
  for (const nlohmann::json& text : *field) {
    if (!text.is_string())
      fail(what, fmt::format("whose \"{}\" is an array of strings, found {} in it", name, text.type_name()));
    texts.push_back(text.get<std::string>());
  }
  return texts;
}

std::string name_in(const nlohmann::json& object, std::string_view what, std::initializer_list<const char*> names) {
  constexpr std::size_t longest = 200;
  std::string name = text_in(object, what, names);
  const bool has_control = std::any_of(name.begin(), name.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; });
  if (name.empty() || name.size() > longest || has_control)
    fail(what, fmt::format("whose {} has 1 to {} bytes and no control characters, found '{}'", joined(names), longest,
                           escaped(name, 60)));
  return name;
}

std::optional<Language> language_in(const nlohmann::json& object, std::string_view what) {
  if (field_of(object, {"language"}) == nullptr) return std::nullopt;
  std::string tag = text_in(object, what, {"language"});
  if (tag == "go_test.go") tag = name_of(Language::go);
  if (const auto language = language_tagged(tag)) return language;
  std::vector<std::string_view> valid;
  for (const Language language : all_languages) valid.push_back(name_of(language));
  fail(what, fmt::format("whose \"language\" is {}, or MultiPL-E's py, rs, go_test.go or rb, found '{}'",
                         fmt::join(valid, ", "), escaped(tag, 60)));
}

}  // namespace multipl_moe::benchmark
