#include "multipl_moe/reproduce/table_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "multipl_moe/io/counted.hpp"
#include "multipl_moe/io/errors.hpp"

namespace multipl_moe::reproduce {

namespace {

/// Takes a row from `text`, whose quoted fields may have line breaks, and counts its lines. False if a quoted field
/// does not end, or does not end in a comma or a line break.
bool take_row(std::string_view& text, std::vector<std::string>& fields, std::size_t& lines) {
  fields.assign(1, {});
  lines = 1;
  std::size_t i = 0;
  for (; i < text.size() && text[i] != '\n'; ++i) {
    if (text[i] == ',') {
      fields.emplace_back();
    } else if (text[i] == '"' && fields.back().empty()) {
      for (++i;; ++i) {
        if (i >= text.size()) return false;
        if (text[i] == '\n') ++lines;
        if (text[i] == '"' && (i + 1 >= text.size() || text[i + 1] != '"')) break;
        if (text[i] == '"') ++i;
        fields.back() += text[i];
      }
      if (i + 1 < text.size() && text[i + 1] != ',' && text[i + 1] != '\n' && text[i + 1] != '\r') return false;
    } else if (text[i] != '\r') {
      fields.back() += text[i];
    }
  }
  text.remove_prefix(std::min(i + 1, text.size()));
  return true;
}

}  // namespace

void TableRow::refuse(std::string_view rule) const { throw BadFile(file_, fmt::format("line {} {}", line_, rule)); }

double TableRow::number(std::size_t column) const {
  const std::string& field = fields_[column];
  double value = 0;
  const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), value);
  if (error != std::errc() || end != field.data() + field.size() || !std::isfinite(value))
    refuse(fmt::format("must have a number in column {}, found '{}'", column + 1, escaped(field, 80)));
  return value;
}

std::int64_t TableRow::count(std::size_t column) const {
  const double value = number(column);
  if (value < 0 || value > 1e15 || value != std::floor(value))
    refuse(fmt::format("must have a whole number in column {}, found '{}'", column + 1, fields_[column]));
  return static_cast<std::int64_t>(value);
}

Language TableRow::language(std::size_t column) const {
  try {
    return language_named(fields_[column]);
  } catch (const UsageError& error) {
    refuse(fmt::format("must name a language: {}", error.what()));
  }
}

void for_each_row(std::string_view text, const std::filesystem::path& path, std::string_view header,
                  const std::function<void(const TableRow&)>& use) {
  const std::size_t end = std::min(text.find_first_of("\r\n"), text.size());
  if (text.substr(0, end) != header)
    throw BadFile(path,
                  fmt::format("must begin with the line '{}', found '{}'", header, escaped(text.substr(0, end), 80)));
  const auto columns = static_cast<std::size_t>(std::count(header.begin(), header.end(), ',')) + 1;
  text.remove_prefix(std::min(text.find('\n', end), text.size() - 1) + 1);
  std::vector<std::string> fields;
  for (std::size_t line = 2, lines = 0; !text.empty(); line += lines) {
    if (!take_row(text, fields, lines))
      throw BadFile(path, fmt::format("line {} must end its quoted fields in quotes", line));
    TableRow row(path, line, fields);
    if (fields.size() != columns)
      row.refuse(fmt::format("must have {}, found {}", counted(columns, "fields"), fields.size()));
    use(row);
  }
}

}  // namespace multipl_moe::reproduce
