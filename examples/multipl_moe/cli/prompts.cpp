#include "multipl_moe/cli/prompts.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <string_view>

#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/file.hpp"
#include "multipl_moe/io/strict_json.hpp"
#include "multipl_moe/io/utf8.hpp"

namespace multipl_moe {

namespace {

/// The rule for a line in an error message, after "line 7 must be".
constexpr const char* prompt_line = "a JSON string or an object with a string \"prompt\"";

std::string prompt_of(std::string_view line) {
  nlohmann::json value = parse_strict_json(line);
  if (value.is_object()) {
    const auto prompt = value.find("prompt");
    if (prompt == value.end()) throw JsonFault(0, fmt::format("{}, found an object without it", prompt_line));
    if (!prompt->is_string()) throw JsonFault(0, fmt::format("{}, found {} there", prompt_line, prompt->type_name()));
    return prompt->get<std::string>();
  }
  if (!value.is_string()) throw JsonFault(0, fmt::format("{}, found {}", prompt_line, value.type_name()));
  return value.get<std::string>();
}

}  // namespace

std::vector<std::string> read_prompts(const std::filesystem::path& path) {
  constexpr std::uint64_t largest = 1 << 30;
  const std::string bytes = read_whole_file(path, largest);
  std::vector<std::string> prompts;
  std::size_t number = 1;
  for (std::size_t begin = bytes.size() - without_mark(bytes).size(), end; begin < bytes.size();
       begin = end + 1, ++number) {
    end = std::min(bytes.find('\n', begin), bytes.size());
    const std::string_view line(bytes.data() + begin, end - begin);
    if (line.find_first_not_of(" \t\r") == line.npos) continue;
    try {
      prompts.push_back(prompt_of(line));
    } catch (const JsonFault& fault) {
      throw BadFile(path, begin + fault.offset().value_or(0), fmt::format("line {} must be {}", number, fault.what()));
    }
  }
  return prompts;
}

}  // namespace multipl_moe
