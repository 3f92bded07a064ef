#include "multipl_moe/cli/config_file.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <sstream>

#include "multipl_moe/cli/former_names.hpp"
#include "multipl_moe/cli/unknown_words.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/utf8.hpp"

namespace multipl_moe {

namespace {

using Items = std::vector<CLI::ConfigItem>;

/// A line without its comment. CLI11's reader would also end a value at a `#` inside quotes.
std::string without_comment(const std::string& line) {
  char quote = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (quote == 0 && line[i] == '#') return line.substr(0, i);
    if (quote == 0 && (line[i] == '"' || line[i] == '\''))
      quote = line[i];
    else if (line[i] == quote)
      quote = 0;
  }
  return line;
}

bool is_set_in_environment(const CLI::Option& option) {
  const char* const value = option.get_envname().empty() ? nullptr : std::getenv(option.get_envname().c_str());
  return value != nullptr && *value != '\0';
}

bool is_ruled_out(const CLI::Option& option) {
  const auto others = option.get_excludes();
  return std::any_of(others.begin(), others.end(),
                     [](const CLI::Option* other) { return other->count() > 0 || is_set_in_environment(*other); });
}

/// CLI11's TOML reader, with comments that do not begin inside quotes.
class TomlFile : public CLI::ConfigTOML {
 public:
  TomlFile() { commentChar = '\0'; }

  Items from_config(std::istream& input) const override {
    std::stringstream text;
    bool is_first = true;
    for (std::string line; std::getline(input, line); is_first = false)
      text << without_comment(std::string(without_return(is_first ? without_mark(line) : line))) << '\n';
    return CLI::ConfigTOML::from_config(text);
  }
};

/// A TOML file with two more rules: an unknown name is an error, and the environment takes precedence over the file.
class SettingsFile final : public TomlFile {
 public:
  explicit SettingsFile(const CLI::App& program) : program_(program) {}

  Items from_config(std::istream& input) const override {
    Items settings = TomlFile::from_config(input);
    for (CLI::ConfigItem& item : settings)
      if (!item.parents.empty()) item.name = current_name(item.parents.front(), item.name);
    std::erase_if(settings, [this](const CLI::ConfigItem& item) { return !applies(item); });
    return settings;
  }

 private:
  bool applies(const CLI::ConfigItem& item) const {
    if (item.parents.empty())
      throw UsageError(fmt::format(
          "[--config] a setting must be in the section of its command, such as [train], found '{}' before any section",
          escaped(item.name)));
    const CLI::App& command = command_named(item.parents);
    if (item.name == "++" || item.name == "--") return true;
    const CLI::Option& setting = setting_named(command, item.name);
    // Flags and environment take precedence over the file, also when they exclude this setting.
    return !is_set_in_environment(setting) && !is_ruled_out(setting);
  }

  const CLI::App& command_named(const std::vector<std::string>& names) const {
    const CLI::App* found = &program_;
    for (const std::string& name : names) {
      const auto commands = found->get_subcommands({});
      const auto next = std::find_if(commands.begin(), commands.end(),
                                     [&name](const CLI::App* command) { return command->get_name() == name; });
      if (next == commands.end())
        throw UsageError(fmt::format("[--config] a section must name a command, found [{}]{}",
                                     escaped(fmt::to_string(fmt::join(names, "."))),
                                     nearest_hint(name, command_names(*found))));
      found = *next;
    }
    return *found;
  }

  static const CLI::Option& setting_named(const CLI::App& command, const std::string& name) {
    for (const CLI::Option* option : command.get_options({}))
      if (option->get_configurable() && option->get_single_name() == name) return *option;
    throw UsageError(fmt::format("[--config] '{0}' is not a setting of {1}{2}; `multipl_moe {1} --help` lists them",
                                 escaped(name), full_name(command, " "), nearest_hint(name, option_names(command))));
  }

  const CLI::App& program_;
};

bool is_plain(const std::string& value) {
  if (value == "true" || value == "false") return true;
  double number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  return error == std::errc() && end == value.data() + value.size() && value.find_first_of("in") == value.npos;
}

std::string quoted(const std::string& value) {
  if (is_plain(value)) return value;
  return value.find_first_of("\"\\") == std::string::npos ? '"' + value + '"' : '\'' + value + '\'';
}

/// The current values of an option: those given, else its default, if it has one.
std::vector<std::string> values_of(const CLI::Option& option) {
  if (option.count() > 0) return option.results();
  const std::string text = option.get_default_str();
  if (text.empty() && option.get_expected_min() == 0) return {"false"};
  if (text.empty()) return {};
  if (option.get_expected_max() > 1 && text.front() == '[' && text.back() == ']')
    return CLI::detail::split(text.substr(1, text.size() - 2), ',');
  return {text};
}

/// Throws UsageError unless the written line gives the same values again: the file cannot hold line breaks or a value
/// with both kinds of quotes.
void require_same(const std::string& name, const std::string& line, const std::vector<std::string>& values) {
  std::stringstream text(line + "\n");
  const Items items = TomlFile().from_config(text);
  if (line.find('\n') != std::string::npos || items.size() != 1 || items.front().name != name ||
      items.front().inputs != values)
    throw UsageError(
        fmt::format("[--{}] a value that is written to a config file must have no line breaks and only one kind of "
                    "quotes, found '{}'",
                    name, escaped(fmt::to_string(fmt::join(values, " ")))));
}

}  // namespace

std::vector<CLI::App*> commands_of(CLI::App& program) {
  std::vector<CLI::App*> commands;
  for (CLI::App* command : program.get_subcommands({})) {
    const auto inner = commands_of(*command);
    commands.insert(commands.end(), inner.begin(), inner.end());
    if (inner.empty()) commands.push_back(command);
  }
  return commands;
}

std::string settings_text(const CLI::App& command) {
  std::string text = fmt::format("[{}]\n", full_name(command, "."));
  for (const CLI::Option* option : command.get_options({})) {
    const std::string name = option->get_single_name();
    if (!option->get_configurable() || is_ruled_out(*option)) continue;
    const std::vector<std::string> values = values_of(*option);
    if (values.empty()) continue;
    std::vector<std::string> written;
    for (const std::string& value : values) written.push_back(quoted(value));
    const std::string list = fmt::format("{}", fmt::join(written, ", "));
    const std::string line = fmt::format("{} = {}", name, option->get_expected_max() > 1 ? "[" + list + "]" : list);
    require_same(name, line, values);
    text += line + "\n";
  }
  return text;
}

void add_config_options(CLI::App& program) {
  program
      .set_config("--config", "",
                  "TOML file with a section of settings for each command; flags and MOE_* variables take precedence")
      ->type_name("FILE");
  program.config_formatter(std::make_shared<SettingsFile>(program));
  program.allow_config_extras(CLI::config_extras_mode::error);
  const auto print = std::make_shared<bool>(false);
  program
      .add_flag("--print-config", *print,
                "print all settings of the command in the format of --config, and exit without running it")
      ->configurable(false);
  for (CLI::App* command : commands_of(program)) {
    for (CLI::App* app = command; app != &program; app = app->get_parent()) app->fallthrough();
    command->footer(
        "--config FILE reads settings from a TOML file, --print-config prints all settings as such a file and exits.");
  }
  program.parse_complete_callback([&program, print] {
    if (!*print) return;
    for (const CLI::App* command : commands_of(program))
      if (command->parsed()) fmt::print("{}", settings_text(*command));
    throw CLI::Success();
  });
}

}  // namespace multipl_moe
