/// CSV files.
#pragma once

#include <string>
#include <string_view>

namespace multipl_moe {

/// A field of a CSV file, quoted if it has to be.
inline std::string csv_field(std::string_view text) {
  std::string field;
  for (const char c : text) field += c == '"' ? "\"\"" : std::string(1, c);
  return field.find_first_of(",\"\r\n") == std::string::npos ? field : '"' + field + '"';
}

}  // namespace multipl_moe
