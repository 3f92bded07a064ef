#include "multipl_moe/cli/prompts.hpp"

#include <nlohmann/json.hpp>
#include <string_view>

#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/file.hpp"
#include "multipl_moe/io/strict_json.hpp"

namespace multipl_moe {

std::vector<std::string> read_prompts(const std::filesystem::path& path) {
  constexpr std::uint64_t largest = 1 << 30;
  const std::string bytes = read_whole_file(path, largest);
  std::vector<std::string> prompts;
  for (std::size_t begin = 0, end; begin < bytes.size(); begin = end + 1) {
    end = std::min(bytes.find('\n', begin), bytes.size());
    const std::string_view line(bytes.data() + begin, end - begin);
    if (line.find_first_not_of(" \t\r") == line.npos) continue;
    nlohmann::json value;
    try {
      value = parse_strict_json(line, path);
    } catch (const BadFile& error) {
      throw BadFile(path, begin + error.offset().value_or(0), "must have JSON on every line");
    }
    if (value.is_object() && value.contains("prompt")) value = nlohmann::json(value["prompt"]);
    if (!value.is_string())
      throw BadFile(path, begin, "every line must be a string or an object with a string \"prompt\"");
    prompts.push_back(value.get<std::string>());
  }
  return prompts;
}

}  // namespace multipl_moe
