/// Reads CSV files of this program: a known header, and rows of as many fields.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "multipl_moe/data/language.hpp"

namespace multipl_moe::reproduce {

/// A row of a CSV file.
class TableRow {
 public:
  TableRow(const std::filesystem::path& file, std::size_t line, std::vector<std::string> fields)
      : file_(file), line_(line), fields_(std::move(fields)) {}

  const std::string& operator[](std::size_t column) const { return fields_[column]; }
  /// A finite number. Throws BadFile, with the line.
  double number(std::size_t column) const;
  /// A whole number that is not negative. Throws BadFile, with the line.
  std::int64_t count(std::size_t column) const;
  /// A language by its name. Throws BadFile, with the line.
  Language language(std::size_t column) const;
  /// Throws BadFile: the row breaks `rule`, which begins with "must".
  [[noreturn]] void refuse(std::string_view rule) const;

 private:
  const std::filesystem::path& file_;
  std::size_t line_;
  std::vector<std::string> fields_;
};

/// Calls `use` with each row after the header. `path` is named in errors. Throws BadFile, with the line, for another
/// header, another number of fields, a quoted field that does not end, and as `use` does.
void for_each_row(std::string_view text, const std::filesystem::path& path, std::string_view header,
                  const std::function<void(const TableRow&)>& use);

}  // namespace multipl_moe::reproduce
