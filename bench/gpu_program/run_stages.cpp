#include "bench/gpu_program/run_stages.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <ctime>
#include <nlohmann/json.hpp>

#include "bench/gpu_program/page_text.hpp"
#include "multipl_moe/io/atomic_folder.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/file.hpp"
#include "multipl_moe/io/folder_lock.hpp"
#include "multipl_moe/io/notice.hpp"

namespace gpu_program {

namespace {

using multipl_moe::escaped;
using multipl_moe::Failure;
using multipl_moe::notice;
using multipl_moe::UsageError;
namespace fs = std::filesystem;

constexpr std::uint64_t largest_file = 1 << 20;

fs::path record_of(const fs::path& folder, const Stage& stage) { return folder / (stage.name + ".json"); }
fs::path page_of(const fs::path& folder, const Stage& stage) { return folder / (stage.name + ".md"); }

std::optional<nlohmann::json> stored(const fs::path& path) {
  if (!multipl_moe::is_there(path)) return {};
  auto record = nlohmann::json::parse(multipl_moe::read_whole_file(path, largest_file), nullptr, false);
  if (!record.is_object())
    throw multipl_moe::BadFile(path, "must be the record of a stage, found other text; remove the file to repeat it");
  return record;
}

std::size_t index_of(const std::vector<Stage>& stages, std::string_view flag, const std::string& name) {
  const auto found = std::find_if(stages.begin(), stages.end(), [&](const Stage& each) { return each.name == name; });
  if (found != stages.end()) return static_cast<std::size_t>(found - stages.begin());
  std::vector<std::string_view> names;
  for (const Stage& stage : stages) names.push_back(stage.name);
  throw UsageError(fmt::format("[{}] must be one of {}, found '{}'", flag, fmt::join(names, ", "), escaped(name)));
}

/// What the stage itself has written as its note.
std::string note_on(const fs::path& page) {
  return multipl_moe::is_there(page) ? note_in(multipl_moe::read_whole_file(page, largest_file)) : "";
}

std::string joined(const std::string& first, const std::string& second) {
  return first.empty() || second.empty() ? first + second : first + "; " + second;
}

StageEnd described(const ChildEnd& child, const Stage& stage, const std::string& note) {
  if (child.out_of_time)
    return {"out of time", child.seconds,
            joined(fmt::format("killed after its limit of {:.0f} s{}", stage.limit,
                               child.still_runs ? ", but its process cannot be killed and still runs" : ""),
                   note)};
  if (child.signal != 0)
    return {"crashed", child.seconds,
            joined(fmt::format("signal {} ({})", child.signal, ::strsignal(child.signal)), note)};
  if (child.exit_code != 0)
    return {"failed", child.seconds, joined(fmt::format("exit code {}", child.exit_code), note)};
  return {"passed", child.seconds, note};
}

void write_record(const fs::path& folder, const Stage& stage, const Origin& origin, const StageEnd& end) {
  const nlohmann::ordered_json record{{"stage", stage.name},       {"machine", origin.machine},
                                      {"program", origin.program}, {"outcome", end.outcome},
                                      {"seconds", end.seconds},    {"note", end.note}};
  multipl_moe::write_file_atomically(
      record_of(folder, stage), record.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n");
}

void write_summary(const fs::path& folder, const std::vector<Stage>& stages, const Origin& origin) {
  std::string text =
      fmt::format("# {}, program {}, {:%F}\n\n| stage | outcome | s | of | in short |\n|---|---|---|---|---|\n",
                  origin.machine, origin.program, fmt::gmtime(std::time(nullptr)));
  for (const Stage& stage : stages) {
    const auto end = end_of(folder, stage);
    const auto name =
        multipl_moe::is_there(page_of(folder, stage)) ? fmt::format("[{0}]({0}.md)", stage.name) : stage.name;
    text += end ? fmt::format("| {}: {} | {} | {:.1f} | {:.0f} | {} |\n", name, stage.title, end->outcome, end->seconds,
                              stage.limit, end->note)
                : fmt::format("| {}: {} | not run | | {:.0f} | |\n", stage.name, stage.title, stage.limit);
  }
  multipl_moe::write_file_atomically(folder / "summary.md", text);
}

void require_same_machine(const fs::path& folder, const std::vector<Stage>& stages, std::string_view machine) {
  for (const Stage& stage : stages) {
    const auto record = stored(record_of(folder, stage));
    const std::string found = record ? record->value("machine", "") : std::string(machine);
    if (found != machine)
      throw Failure(fmt::format("[--out] {} has figures of '{}', this is '{}'; choose another folder",
                                escaped(folder.native()), escaped(found), machine));
  }
}

/// Whether this build of the program has ended the stage.
bool has_ended(const fs::path& folder, const Stage& stage, const Origin& origin) {
  const auto record = stored(record_of(folder, stage));
  return record && record->value("program", "") == origin.program;
}

/// All that the stage has found.
void remove_figures(const fs::path& folder, const Stage& stage) {
  fs::remove(record_of(folder, stage));
  fs::remove(page_of(folder, stage));
  if (!stage.data.empty()) fs::remove(folder / stage.data);
}

}  // namespace

std::optional<StageEnd> end_of(const fs::path& folder, const Stage& stage) {
  const auto record = stored(record_of(folder, stage));
  if (!record) return {};
  return StageEnd{record->value("outcome", ""), record->value("seconds", 0.0), record->value("note", "")};
}

std::string_view next_command(const Selection& selection) {
  if (!selection.from.empty()) return "the command without --from goes on";
  return selection.only.empty() ? "the same command goes on" : "the command without --only goes on";
}

StagesResult run_stages(const std::vector<Stage>& stages, const Selection& selection, double budget,
                        const fs::path& folder, const Origin& origin, const Launch& launch) {
  const auto begin = std::chrono::steady_clock::now();
  if (!selection.from.empty() && !selection.only.empty())
    throw UsageError("[--from] cannot be used with --only, which names the one stage that is run");
  std::size_t first = 0, end = stages.size();
  if (!selection.from.empty()) first = index_of(stages, "--from", selection.from);
  if (!selection.only.empty()) {
    first = index_of(stages, "--only", selection.only);
    end = first + 1;
  }
  const bool repeats = !selection.from.empty() || !selection.only.empty();
  for (std::size_t i = first; i < end; ++i)
    if (stages[i].limit > budget && (repeats || !has_ended(folder, stages[i], origin)))
      throw UsageError(fmt::format("[--budget] must be at least the limit of each stage, {:.0f} s for {}, found {:.0f}",
                                   stages[i].limit, stages[i].name, budget));

  multipl_moe::create_folders(folder);
  const multipl_moe::FolderLock lock(folder);
  require_same_machine(folder, stages, origin.machine);
  for (std::size_t i = 0; i < stages.size(); ++i) {
    const bool is_other = end_of(folder, stages[i]) && !has_ended(folder, stages[i], origin);
    if (is_other) notice("{}: its figures are of another build of the program and are removed\n", stages[i].name);
    if (is_other || (repeats && first <= i && i < end)) remove_figures(folder, stages[i]);
  }
  write_summary(folder, stages, origin);
  for (std::size_t i = first; i < end; ++i) {
    const Stage& stage = stages[i];
    if (end_of(folder, stage)) continue;
    const double passed = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    if (passed + stage.limit > budget) {
      notice("{} is not started: its limit is {:.0f} s, {:.0f} of {:.0f} s are left\n", stage.name, stage.limit,
             budget - passed, budget);
      break;
    }
    notice("{}: {}, at most {:.0f} s ...\n", stage.name, stage.title, stage.limit);
    // Otherwise a stage that ends before it writes would report the note and figures of an earlier call.
    remove_figures(folder, stage);
    const ChildEnd child = launch(stage);
    const StageEnd ended = described(child, stage, note_on(page_of(folder, stage)));
    write_record(folder, stage, origin, ended);
    write_summary(folder, stages, origin);
    notice("{}: {} after {:.1f} s{}{}\n", stage.name, ended.outcome, ended.seconds, ended.note.empty() ? "" : ": ",
           ended.note);
    if (child.still_runs) {
      notice("no other stage is started: the process of {} may still use the GPU\n", stage.name);
      break;
    }
  }

  StagesResult result;
  for (const Stage& stage : stages) {
    const auto ended = end_of(folder, stage);
    if (!ended)
      result.left.push_back(stage.name);
    else if (ended->outcome != "passed")
      result.failed.push_back(stage.name);
  }
  return result;
}

}  // namespace gpu_program
