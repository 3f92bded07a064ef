#include "multipl_moe/io/json_lines.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/strict_json.hpp"
#include "multipl_moe/io/utf8.hpp"

namespace multipl_moe {

void for_each_json_line(std::string_view bytes, const std::filesystem::path& path,
                        const std::function<void(const nlohmann::json& value, std::size_t line)>& take) {
  std::size_t number = 1;
  for (std::size_t begin = bytes.size() - without_mark(bytes).size(), end; begin < bytes.size();
       begin = end + 1, ++number) {
    end = (std::min)(bytes.find('\n', begin), bytes.size());
    const std::string_view line = bytes.substr(begin, end - begin);
    if (line.find_first_not_of(" \t\r") == line.npos) continue;
    try {
      take(parse_strict_json(line), number);
    } catch (const JsonFault& fault) {
      throw BadFile(path, begin + fault.offset().value_or(0), fmt::format("line {} must be {}", number, fault.what()));
    }
  }
}

}  // namespace multipl_moe
