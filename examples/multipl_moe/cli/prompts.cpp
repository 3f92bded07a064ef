#include "multipl_moe/cli/prompts.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/file.hpp"
#include "multipl_moe/io/json_lines.hpp"
#include "multipl_moe/io/strict_json.hpp"

namespace multipl_moe {

namespace {

/// The rule for a line in an error message, after "line 7 must be".
constexpr const char* prompt_line = "a JSON string or an object with a string \"prompt\"";

std::string prompt_of(const nlohmann::json& value) {
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
  std::vector<std::string> prompts;
  for_each_json_line(read_whole_file(path, largest_json_lines), path,
                     [&](const nlohmann::json& value, std::size_t) { prompts.push_back(prompt_of(value)); });
  return prompts;
}

}  // namespace multipl_moe
