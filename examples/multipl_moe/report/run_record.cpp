#include "multipl_moe/report/run_record.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <span>

#include "multipl_moe/io/counted.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/file.hpp"
#include "multipl_moe/io/notice.hpp"
#include "multipl_moe/io/strict_json.hpp"
#include "multipl_moe/io/utf8.hpp"

namespace multipl_moe {

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr std::uint64_t largest_settings = std::uint64_t{16} << 20;
constexpr std::size_t largest_line = std::size_t{16} << 20;

[[noreturn]] void refuse(const fs::path& path, std::int64_t line, std::string_view rule, std::string_view found) {
  throw BadFile(path, fmt::format("line {} must {}, found '{}'", line, rule, escaped(found, 80)));
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r");
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

std::string_view unquoted(std::string_view text) {
  const bool quoted = text.size() >= 2 && (text.front() == '"' || text.front() == '\'') && text.back() == text.front();
  return quoted ? text.substr(1, text.size() - 2) : text;
}

/// Calls use(line, number) for every complete line; returns the text after the last newline.
template <class Use>
std::string_view for_each_line(std::string_view text, const Use& use) {
  std::int64_t number = 0;
  for (std::size_t end; (end = text.find('\n')) != text.npos; text.remove_prefix(end + 1))
    use(text.substr(0, end), ++number);
  return text;
}

NamedValues read_settings(const fs::path& path) {
  const std::string text = read_whole_file(path, largest_settings) + "\n";
  NamedValues settings;
  for_each_line(without_mark(text), [&](std::string_view whole, std::int64_t number) {
    const std::string_view line = trimmed(whole);
    if (line.empty() || line.front() == '#') return;
    if (line.front() == '[') {
      if (line.back() != ']' || !settings.empty()) refuse(path, number, "be the file's one section, [COMMAND]", line);
      settings.emplace_back("command", line.substr(1, line.size() - 2));
      return;
    }
    const std::size_t equals = line.find('=');
    if (settings.empty() || equals == line.npos || trimmed(line.substr(0, equals)).empty())
      refuse(path, number, "read NAME = VALUE, after a line [COMMAND]", line);
    settings.emplace_back(trimmed(line.substr(0, equals)), unquoted(trimmed(line.substr(equals + 1))));
  });
  if (settings.empty()) throw BadFile(path, "must hold a run's settings, found none");
  return settings;
}

std::string text_of(const Json& value) { return value.is_string() ? value.get<std::string>() : value.dump(); }

NamedValues read_environment(const fs::path& path) {
  const Json json = parse_strict_json(read_whole_file(path, largest_settings), path);
  if (!json.is_object()) throw BadFile(path, "must be a JSON object");
  NamedValues environment;
  for (const char* name : {"version", "compiler", "flags", "cpu", "threads", "processors"})
    if (json.contains(name)) environment.emplace_back(name, text_of(json[name]));
  for (const char* group : {"dependencies", "data"})
    if (json.contains(group) && json[group].is_object())
      for (const auto& [name, value] : json[group].items()) {
        const bool is_file = value.is_object() && value.contains("xxh3");
        environment.emplace_back(fmt::format("{}.{}", group, name), text_of(is_file ? value["xxh3"] : value));
      }
  if (json.contains("resumed") && json["resumed"].is_array())
    environment.emplace_back("resumed elsewhere", fmt::format("{}", counted(json["resumed"].size(), "times")));
  return environment;
}

/// A number; NaN for null, which stands for a value that was not finite; empty for anything else.
std::optional<double> number_in(const Json& line, const char* name) {
  const auto found = line.find(name);
  if (found == line.end()) return std::nullopt;
  if (found->is_null()) return std::numeric_limits<double>::quiet_NaN();
  return found->is_number() ? std::optional(found->get<double>()) : std::nullopt;
}

/// The losses of an evaluated step; empty if the step was not evaluated. `refuse_here(rule)` throws.
std::vector<std::pair<Language, double>> held_out_in(const Json& line, const auto& refuse_here) {
  std::vector<std::pair<Language, double>> losses;
  const auto found = line.find("held_out");
  if (found == line.end()) return losses;
  if (!found->is_object()) refuse_here("have an object in \"held_out\"");
  for (const Language language : all_languages) {
    const std::string name(name_of(language));
    if (!found->contains(name)) continue;
    const auto loss = number_in(*found, name.c_str());
    if (!loss) refuse_here("have a number or null for each language in \"held_out\"");
    losses.emplace_back(language, *loss);
  }
  return losses;
}

/// The greatest max_over_mean of all layers; NaN if the step has none.
double busiest_in(const Json& line, const auto& refuse_here) {
  double busiest = std::numeric_limits<double>::quiet_NaN();
  const auto load = line.find("load");
  if (load == line.end()) return busiest;
  if (!load->is_object()) refuse_here("have an object in \"load\"");
  for (const char* level : {"token", "segment"}) {
    if (!load->contains(level)) continue;
    const Json layers = (*load)[level].is_object() ? (*load)[level].value("max_over_mean", Json()) : Json();
    if (!layers.is_array()) refuse_here("have a list \"max_over_mean\" for each level in \"load\"");
    for (const Json& value : layers)
      if (value.is_number()) busiest = std::fmax(busiest, value.get<double>());
  }
  return busiest;
}

StepMetrics step_of(const fs::path& path, std::int64_t number, std::string_view text, std::int64_t last_step) {
  const Json line = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!line.is_object()) refuse(path, number, "be a JSON object", text);
  const auto step = line.find("step");
  if (step == line.end() || !step->is_number_integer() || step->get<std::int64_t>() <= last_step)
    refuse(path, number, fmt::format("have an integer \"step\" above {}", last_step), text);
  const auto refuse_here = [&](const std::string& rule) { refuse(path, number, rule, text); };
  const auto required = [&](const char* name) {
    const auto value = number_in(line, name);
    if (!value) refuse_here(fmt::format("have \"{}\", a number or null", name));
    return *value;
  };
  const auto skipped = line.find("skipped");
  return {.step = step->get<std::int64_t>(),
          .loss = required("loss"),
          .auxiliary = required("aux"),
          .rate = required("learning_rate"),
          .gradient_norm = required("gradient_norm"),
          .tokens_per_second = required("tokens_per_second"),
          .skipped = skipped != line.end() && skipped->is_boolean() && skipped->get<bool>(),
          .held_out = held_out_in(line, refuse_here),
          .busiest_expert = busiest_in(line, refuse_here)};
}

std::vector<StepMetrics> read_metrics(const fs::path& path) {
  const InputFile file = InputFile::open(path);
  std::vector<StepMetrics> steps;
  std::string text;
  std::int64_t lines = 0;
  std::vector<char> piece(std::size_t{1} << 20);
  for (std::uint64_t at = 0; at < file.size(); at += piece.size()) {
    piece.resize(static_cast<std::size_t>(std::min<std::uint64_t>(piece.size(), file.size() - at)));
    file.read_at(at, std::as_writable_bytes(std::span(piece)));
    text.append(piece.begin(), piece.end());
    const std::string_view rest = for_each_line(text, [&](std::string_view line, std::int64_t) {
      ++lines;
      steps.push_back(
          step_of(path, lines, lines == 1 ? without_mark(line) : line, steps.empty() ? 0 : steps.back().step));
    });
    if (rest.size() > largest_line)
      throw BadFile(path, fmt::format("line {} must have at most {} bytes, found more", lines + 1, largest_line));
    text.erase(0, text.size() - rest.size());
  }
  if (!text.empty()) notice("warning: [{}] line {} is incomplete and skipped\n", escaped(path.native()), lines + 1);
  if (steps.empty()) throw BadFile(path, "must hold a step, found none");
  return steps;
}

}  // namespace

bool RunRecord::has_held_out() const {
  return std::any_of(steps.begin(), steps.end(), [](const StepMetrics& step) { return !step.held_out.empty(); });
}

bool RunRecord::has_load() const {
  return std::any_of(steps.begin(), steps.end(), [](const StepMetrics& s) { return !std::isnan(s.busiest_expert); });
}

std::optional<std::int64_t> RunRecord::tokens_per_step() const {
  std::int64_t product = 1;
  for (const char* factor : {"batch-size", "sequence-length", "gradient-accumulation-steps"}) {
    const auto found = std::find_if(settings.begin(), settings.end(), [&](const auto& s) { return s.first == factor; });
    if (found == settings.end()) return std::nullopt;
    std::int64_t value = 0;
    const char* const end = found->second.data() + found->second.size();
    if (const auto read = std::from_chars(found->second.data(), end, value);
        read.ec != std::errc() || read.ptr != end || value < 1 || value > (std::int64_t{1} << 20))
      return std::nullopt;
    product *= value;
  }
  return product;
}

RunRecord read_run(const fs::path& folder) {
  RunRecord run;
  run.name = run_names({folder}).front();
  run.settings = read_settings(folder / "config.toml");
  run.environment = read_environment(folder / "env.json");
  run.steps = read_metrics(folder / "metrics.jsonl");
  return run;
}

std::vector<std::string> run_names(const std::vector<fs::path>& folders) {
  std::vector<std::string> names;
  for (const fs::path& folder : folders) {
    const fs::path whole = folder.lexically_normal();
    names.push_back(whole.has_filename() ? whole.filename() : whole.parent_path().filename());
  }
  const std::vector<std::string> own = names;
  for (std::size_t i = 0; i < names.size(); ++i)
    if (own[i].empty() || std::count(own.begin(), own.end(), own[i]) > 1) names[i] = folders[i].native();
  return names;
}

}  // namespace multipl_moe
