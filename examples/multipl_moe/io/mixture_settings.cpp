#include "multipl_moe/io/mixture_settings.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "multipl_moe/io/architecture.hpp"
#include "multipl_moe/io/errors.hpp"

namespace multipl_moe {

namespace {

std::string text_of(const std::vector<std::string>& values) { return fmt::format("{}", fmt::join(values, ",")); }
template <class Value>
std::string text_of(const Value& value) {
  return fmt::to_string(value);
}

using Fault = std::optional<std::string>;

Fault outside(const MixtureSetting& setting, const std::string& value) {
  if (std::find(setting.choices.begin(), setting.choices.end(), value) != setting.choices.end()) return std::nullopt;
  return fmt::format("moe.{} must be \"{}\", found \"{}\"", setting.key, fmt::join(setting.choices, "\" or \""),
                     escaped(value));
}
/// NaN is out of every range.
template <class Number>
requires std::is_arithmetic_v<Number> Fault outside(const MixtureSetting& setting, Number value) {
  const auto least = static_cast<Number>(setting.least), most = static_cast<Number>(setting.most);
  if (value >= least && value <= most) return std::nullopt;
  return fmt::format("moe.{} must be {} to {}, found {}", setting.key, least, most, value);
}
Fault outside(const MixtureSetting&, bool) { return std::nullopt; }
Fault outside(const MixtureSetting&, const std::vector<std::string>&) { return std::nullopt; }

}  // namespace

std::span<const MixtureSetting* const> mixture_settings() {
  static const std::vector<const MixtureSetting*> all = [] {
    std::vector<const MixtureSetting*> found;
    for (const Architecture* architecture : architectures())
      for (const MixtureSetting* setting : architecture->settings)
        if (std::none_of(found.begin(), found.end(),
                         [&](const MixtureSetting* known) { return known->key == setting->key; }))
          found.push_back(setting);
    return found;
  }();
  return all;
}

std::string current_spelling(const MixtureSetting& setting, std::string value) {
  return !value.empty() && value == setting.former_choice.first ? std::string(setting.former_choice.second) : value;
}

bool applies(const MixtureSetting& setting, const MoeConfig& moe) {
  if (!architecture_named(moe.architecture).has(setting)) return false;
  return !setting.need || moe.*setting.need->field == setting.need->value;
}

std::string where_it_applies(const MixtureSetting& setting, const MoeConfig& moe) {
  if (architecture_named(moe.architecture).has(setting))
    return fmt::format("a setting of {0} {1}, found {0} {2}", setting.need->flag, setting.need->value,
                       moe.*setting.need->field);
  std::vector<std::string_view> names;
  for (const Architecture* architecture : architectures())
    if (architecture->has(setting)) names.push_back(architecture->name);
  return fmt::format("a setting of --arch {}, found --arch {}", fmt::join(names, ", "), moe.architecture);
}

std::optional<std::string> fault_in_settings(const MoeConfig& moe) {
  const MoeConfig published = mixture_named(moe.architecture).value();
  for (const MixtureSetting* setting : mixture_settings()) {
    const Fault fault = std::visit(
        [&](auto field) {
          const bool is_idle = !applies(*setting, moe) && moe.*field == published.*field;
          return is_idle ? Fault() : outside(*setting, moe.*field);
        },
        setting->field);
    if (fault) return fault;
  }
  return std::nullopt;
}

std::vector<std::string> take_idle_settings(MoeConfig& moe, std::int64_t intermediate_size) {
  const MoeConfig own = mixture_named(moe.architecture, intermediate_size).value();
  std::vector<std::string> idle;
  for (const MixtureSetting* setting : mixture_settings()) {
    if (applies(*setting, moe)) continue;
    std::visit(
        [&](auto field) {
          if (moe.*field == own.*field) return;
          idle.push_back(fmt::format("{} = {}", setting->key, text_of(moe.*field)));
          moe.*field = own.*field;
        },
        setting->field);
  }
  return idle;
}

std::string in_flags(std::string text) {
  for (const MixtureSetting* setting : mixture_settings()) {
    const std::string name = fmt::format("moe.{} ", setting->key);
    for (std::size_t at; !setting->flag.empty() && (at = text.find(name)) != text.npos;)
      text.replace(at, name.size(), fmt::format("{} ", setting->flag));
  }
  return text;
}

}  // namespace multipl_moe
