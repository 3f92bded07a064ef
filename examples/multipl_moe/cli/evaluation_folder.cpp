#include "multipl_moe/cli/evaluation_folder.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <tuple>
#include <utility>

#include "multipl_moe/benchmark/json_fields.hpp"
#include "multipl_moe/cli/options.hpp"
#include "multipl_moe/io/atomic_folder.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/manifest.hpp"
#include "multipl_moe/io/notice.hpp"
#include "multipl_moe/io/strict_json.hpp"

namespace multipl_moe {

using benchmark::Completion;
using benchmark::Executed;
using benchmark::Journal;
using benchmark::Problem;
using benchmark::Scored;

namespace {

constexpr const char *settings_name = "evaluation.toml", *results_name = "results.jsonl";

/// Settings that change no result, and the device: they may differ when a run is resumed.
constexpr std::array<std::string_view, 10> free_settings{"jobs",    "cache",  "batch-size",    "threads",   "device",
                                                         "pass-at", "kernel", "sandbox_found", "self_test", "hardware"};

/// The settings by name, with the table before the name.
std::map<std::string, std::string> settings_in(const std::string& text) {
  std::map<std::string, std::string> settings;
  std::istringstream lines(text);
  std::string table;
  for (std::string line; std::getline(lines, line);) {
    const std::size_t equals = line.find(" = ");
    if (line.starts_with('['))
      table = line;
    else if (equals != line.npos && std::count(free_settings.begin(), free_settings.end(), line.substr(0, equals)) == 0)
      settings[line.substr(0, equals) + (table == "[evaluate]" ? "" : " in " + table)] = line.substr(equals + 3);
  }
  return settings;
}

std::string differences_of(const std::string& before_text, const std::string& now_text) {
  const auto before = settings_in(before_text), now = settings_in(now_text);
  auto names = before;
  names.insert(now.begin(), now.end());
  const auto value_in = [](const auto& settings, const std::string& name) {
    const auto found = settings.find(name);
    return found == settings.end() ? std::string("nothing") : escaped(found->second);
  };
  std::string text;
  for (const auto& [name, unused] : names)
    if (value_in(before, name) != value_in(now, name))
      text += fmt::format("\n  {}: {}, found {}", escaped(name), value_in(before, name), value_in(now, name));
  return text;
}

constexpr std::string_view hardware_line = "\nhardware = ";

/// The list of the devices that have generated completions, in the text of evaluation.toml.
std::vector<std::string> hardware_in(const std::string& text) {
  const std::size_t line = text.find(hardware_line);
  // Runs of version 0.1 do not name it: all were on the CPU.
  if (line == text.npos) return {"cpu"};
  const std::size_t begin = line + hardware_line.size();
  const auto list = nlohmann::json::parse(text.substr(begin, text.find('\n', begin) - begin), nullptr,
                                          /*allow_exceptions=*/false);
  std::vector<std::string> names;
  for (const auto& name : list)
    if (name.is_string()) names.push_back(name);
  return names;
}
/// `text` with this list.
std::string with_hardware(std::string text, const std::vector<std::string>& names) {
  const std::size_t begin = text.find(hardware_line) + hardware_line.size();
  return text.replace(begin, text.find('\n', begin) - begin, nlohmann::json(names).dump());
}

void remove_file(const std::filesystem::path& path) {
  std::error_code failed;
  std::filesystem::remove(path, failed);
  if (failed) throw IoError(path, "remove", failed.value());
}

}  // namespace

std::map<std::string, std::string> settings_of_run(const std::filesystem::path& folder) {
  constexpr std::uint64_t largest = 1 << 20;
  if (!is_there(folder / settings_name)) return {};
  return settings_in(read_whole_file(folder / settings_name, largest));
}

bool EvaluationFolder::has_all_completions() const { return is_there(path_ / benchmark::completions_name); }

EvaluationFolder::EvaluationFolder(const std::filesystem::path& folder, const std::string& settings, bool resume)
    : path_(folder) {
  const bool has_run = is_there(path_ / settings_name);
  if (!resume && has_run)
    throw UsageError(
        fmt::format("[evaluate] {0} holds a run; --resume continues it; to begin anew, choose another --output, or "
                    "remove {0}",
                    escaped(path_.native())));
  if (!has_run) require_new_folder("evaluate", path_);
  create_folders(path_);
  lock_.emplace(path_);
  remove_leftovers(path_);
  if (has_run) {
    constexpr std::uint64_t largest = 1 << 20;
    const std::string begun_with = read_whole_file(path_ / settings_name, largest);
    const std::string different = differences_of(begun_with, settings);
    if (!different.empty())
      throw UsageError(
          fmt::format("[evaluate] --resume needs the settings that the run in {0} was begun with:{1}\n  To begin "
                      "anew, choose another --output, or remove {0}",
                      escaped(path_.native()), different));
    remove_file(path_ / manifest_name);
    write(settings_name, with_all_hardware(settings, begun_with));
  } else {
    write(settings_name, settings);
  }
}

std::string EvaluationFolder::with_all_hardware(const std::string& settings, const std::string& begun_with) const {
  // Only a run that generates names hardware.
  if (settings.find(hardware_line) == settings.npos) return settings;
  std::vector<std::string> all = hardware_in(begun_with);
  const std::string now = hardware_in(settings).front();
  if (has_all_completions() || std::find(all.begin(), all.end(), now) != all.end()) return with_hardware(settings, all);
  notice(
      "note: completions of this run were generated on {}, the others are generated on {}; sums are rounded "
      "differently there, so a completion may differ from that of an undisturbed run; {} names both\n",
      escaped(fmt::format("{}", fmt::join(all, ", "))), escaped(now), settings_name);
  all.push_back(now);
  return with_hardware(settings, all);
}

std::vector<Completion> EvaluationFolder::open_completions(std::span<const Problem> problems) {
  if (has_all_completions()) return benchmark::read_completions(path_, problems);
  std::vector<Completion> known;
  benchmark::CompletionReader reader(problems);
  completions_.emplace(completions_journal(),
                       [&](const nlohmann::json& value) { known.push_back(reader.read(value)); });
  return known;
}

void EvaluationFolder::add(const Completion& completion, const Problem& problem) {
  completions_->add(benchmark::line_of(completion, problem));
}

std::vector<std::optional<Executed>> EvaluationFolder::open_results(std::span<const Problem> problems,
                                                                    std::span<const Scored> scored) {
  std::map<std::tuple<std::string, Language, std::int64_t, std::string>, std::size_t> places;
  for (std::size_t i = 0; i < scored.size(); ++i) {
    const Problem& problem = problems[scored[i].completion.problem];
    places[{problem.name, problem.language, scored[i].completion.sample, scored[i].hash}] = i;
  }
  std::vector<std::optional<Executed>> known(scored.size());
  const auto take = [&](const nlohmann::json& value) {
    constexpr const char* noun = "a result";
    const Executed executed{benchmark::result_of(value), benchmark::flag_in(value, noun, "cached").value_or(false)};
    const auto place = places.find(
        {benchmark::name_in(value, noun, {"name"}), benchmark::language_in(value, noun).value_or(Language{}),
         benchmark::count_in(value, noun, "sample").value_or(-1), benchmark::text_in(value, noun, {"program_hash"})});
    if (place != places.end()) known[place->second] = executed;
  };
  // The results of a run that has ended are the journal of its continuation.
  if (is_there(path_ / results_name)) std::filesystem::rename(path_ / results_name, results_journal());
  results_.emplace(results_journal(), take);
  return known;
}

void EvaluationFolder::add(const Scored& scored, const Problem& problem) {
  results_->add(benchmark::result_line(scored, problem));
}

void EvaluationFolder::write(const std::string& name, const std::string& text) {
  write_file_atomically(path_ / name, text);
  written_.insert(name);
}

void EvaluationFolder::finish() {
  FileStamps stamps;
  for (const std::string& name : written_) {
    const std::filesystem::path file = path_ / name;
    stamps[name] = {hash_of_file(file), std::filesystem::file_size(file)};
  }
  remove_file(completions_journal());
  remove_file(results_journal());
  write_file_atomically(path_ / manifest_name, to_text(stamps));
}

}  // namespace multipl_moe
