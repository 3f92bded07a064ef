#include "multipl_moe/reproduce/sections.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/utf8.hpp"

namespace multipl_moe::reproduce {

namespace {

namespace fs = std::filesystem;

[[noreturn]] void refuse_line(const fs::path& path, std::size_t line, std::string_view rule, std::string_view found) {
  throw BadFile(path, fmt::format("line {} must {}, found '{}'", line, rule, escaped(found, 80)));
}

std::string_view stripped(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r");
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

/// Takes the text in quotes at the beginning of `rest`; empty if there is none. There are no escapes.
std::optional<std::string> take_text(std::string_view& rest) {
  const std::size_t end = rest.starts_with('"') ? rest.find('"', 1) : rest.npos;
  if (end == rest.npos) return std::nullopt;
  std::string text(rest.substr(1, end - 1));
  rest = stripped(rest.substr(end + 1));
  return text.find('\\') == text.npos ? std::optional(std::move(text)) : std::nullopt;
}

std::optional<std::vector<std::string>> take_list(std::string_view& rest) {
  rest = stripped(rest.substr(1));
  std::vector<std::string> list;
  for (bool is_first = true; !rest.starts_with(']'); is_first = false) {
    if (!is_first) {
      if (!rest.starts_with(',')) return std::nullopt;
      rest = stripped(rest.substr(1));
    }
    const auto text = take_text(rest);
    if (!text) return std::nullopt;
    list.push_back(*text);
  }
  rest = stripped(rest.substr(1));
  return list;
}

std::optional<double> take_number(std::string_view& rest) {
  double number = 0;
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), number);
  if (error != std::errc() || !std::isfinite(number)) return std::nullopt;
  rest = stripped(rest.substr(static_cast<std::size_t>(end - rest.data())));
  return number;
}

/// Empty unless `rest` is one value and at most a comment.
std::optional<Section::Value> take_value(std::string_view rest) {
  std::optional<Section::Value> value;
  if (rest.starts_with('"')) {
    if (auto text = take_text(rest)) value = std::move(*text);
  } else if (rest.starts_with('[')) {
    if (auto list = take_list(rest)) value = std::move(*list);
  } else if (const auto number = take_number(rest)) {
    value = *number;
  }
  return rest.empty() || rest.starts_with('#') ? value : std::nullopt;
}

bool is_name(std::string_view name) {
  return !name.empty() && name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_-.") == name.npos;
}

}  // namespace

Section::Section(fs::path file, std::string name, std::size_t line)
    : file_(std::move(file)), name_(std::move(name)), line_(line) {}

const Section::Entry* Section::find(std::string_view key) const {
  const auto found = std::find_if(entries_.begin(), entries_.end(), [key](const Entry& e) { return e.key == key; });
  return found == entries_.end() ? nullptr : &*found;
}

void Section::refuse(std::string_view key, std::string_view rule) const {
  const Entry* const entry = find(key);
  throw BadFile(file_, fmt::format("line {}: '{}' of [{}] {}", entry == nullptr ? line_ : entry->line, escaped(key),
                                   name_, rule));
}

template <class Type>
const Type& Section::get(std::string_view key, const char* rule) const {
  const Entry* const entry = find(key);
  if (entry == nullptr) refuse(key, "must be there, found no such key");
  const Type* const value = std::get_if<Type>(&entry->value);
  if (value == nullptr) refuse(key, rule);
  return *value;
}

const std::string& Section::text(std::string_view key) const {
  const auto& text = get<std::string>(key, "must be a text in quotes");
  if (text.empty()) refuse(key, "must not be empty");
  return text;
}

double Section::number(std::string_view key) const { return get<double>(key, "must be a number"); }

const std::vector<std::string>& Section::texts(std::string_view key) const {
  const auto& texts = get<std::vector<std::string>>(key, "must be a list of texts, such as [\"low\"]");
  if (texts.empty()) refuse(key, "must not be empty");
  return texts;
}

const std::string& Section::choice(std::string_view key, const std::vector<std::string_view>& choices) const {
  const std::string& chosen = text(key);
  if (std::find(choices.begin(), choices.end(), chosen) == choices.end())
    refuse(key, fmt::format("must be one of {}, found '{}'", fmt::join(choices, ", "), escaped(chosen)));
  return chosen;
}

void Section::require_known(const std::set<std::string_view>& known) const {
  for (const Entry& entry : entries_)
    if (!known.contains(entry.key)) refuse(entry.key, fmt::format("must be one of {}", fmt::join(known, ", ")));
}

void Section::add(Entry entry) {
  if (find(entry.key) != nullptr)
    throw BadFile(file_, fmt::format("line {}: '{}' of [{}] must be there once, found it again", entry.line,
                                     escaped(entry.key), name_));
  entries_.push_back(std::move(entry));
}

std::vector<Section> parse_sections(std::string_view text, const fs::path& path) {
  std::vector<Section> sections;
  text = without_mark(text);
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = stripped(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty() || line.starts_with('#')) continue;
    if (line.starts_with('[')) {
      const std::string_view name = line.size() > 2 && line.ends_with(']') ? line.substr(1, line.size() - 2) : "";
      if (!is_name(name)) refuse_line(path, number, "name a section in [a-z0-9_.-], such as [low-up]", line);
      for (const Section& section : sections)
        if (section.name() == name) refuse_line(path, number, "begin a section of another name", line);
      sections.emplace_back(path, std::string(name), number);
      continue;
    }
    const std::size_t equals = line.find('=');
    const std::string_view key = equals == line.npos ? "" : stripped(line.substr(0, equals));
    if (sections.empty() || !is_name(key)) refuse_line(path, number, "read NAME = VALUE, after a line [SECTION]", line);
    auto value = take_value(stripped(line.substr(equals + 1)));
    if (!value) refuse_line(path, number, "have a number, a text in quotes without \\, or a list of such texts", line);
    sections.back().add({std::string(key), std::move(*value), number});
  }
  return sections;
}

}  // namespace multipl_moe::reproduce
