#include "multipl_moe/cli/former_names.hpp"

#include <array>
#include <cstdlib>
#include <string_view>

namespace multipl_moe {

namespace {

struct FormerName {
  std::string_view command, former, current;
  const char *former_variable, *current_variable;
};

/// Those of version 0.1.
constexpr std::array former_names{
    FormerName{"upcycle", "reinitialise", "reinitialize", "MOE_REINITIALISE", "MOE_REINITIALIZE"},
    FormerName{"pretrain", "gpu-memory", "device-memory", "MOE_GPU_MEMORY", "MOE_DEVICE_MEMORY"},
    FormerName{"train", "gpu-memory", "device-memory", "MOE_GPU_MEMORY", "MOE_DEVICE_MEMORY"}};

}  // namespace

std::string current_name(const std::string& command, const std::string& name) {
  for (const FormerName& each : former_names)
    if (command == each.command && name == each.former) return std::string(each.current);
  return name;
}

std::vector<std::string> with_current_names(std::vector<std::string> words) {
  std::string command;
  for (std::string& word : words) {
    if (word == "--") break;
    if (!word.starts_with("--")) {
      // Options before the command, such as --config FILE, have values that no command is called.
      for (const FormerName& each : former_names)
        if (command.empty() && word == each.command) command = word;
      continue;
    }
    const std::size_t end = word.find('=');
    const std::string name = word.substr(2, end == word.npos ? end : end - 2);
    if (const std::string current = current_name(command, name); current != name) word.replace(2, name.size(), current);
  }
  return words;
}

void read_former_variables() {
  for (const FormerName& each : former_names)
    if (const char* const value = std::getenv(each.former_variable))
      ::setenv(each.current_variable, value, /*overwrite=*/0);
}

}  // namespace multipl_moe
