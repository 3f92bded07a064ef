#include "multipl_moe/benchmark/toolchain.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <vector>

#include "multipl_moe/benchmark/for_each_in_slots.hpp"
#include "multipl_moe/benchmark/work_folder.hpp"
#include "multipl_moe/io/utf8_stream.hpp"

namespace multipl_moe::benchmark {

namespace fs = std::filesystem;
using sandbox::End;

namespace {

std::string kept(std::string_view output) { return valid_utf8(output.substr(0, kept_output_bytes)); }

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

Status status_of(const sandbox::Outcome& outcome, Stage stage) {
  switch (outcome.end) {
    case End::timeout:
      return Status::timeout;
    case End::out_of_memory:
      return Status::out_of_memory;
    case End::output_limit:
      return Status::output_limit;
    case End::signaled:
      if (stage == Stage::compile) return Status::syntax_error;
      return outcome.signal == SIGABRT ? Status::exception : Status::signal;
    case End::exited:
      break;
  }
  if (outcome.exit_code == 0) return Status::ok;
  return stage == Stage::compile ? Status::syntax_error : Status::exception;
}

}  // namespace

Toolchain::Toolchain(const sandbox::Sandbox& sandbox, const ExecutionSettings& settings,
                     const std::set<Language>& languages, const fs::path& cache, int jobs)
    : sandbox_(sandbox),
      settings_(settings),
      languages_(languages),
      work_(sandbox.slot_name(0)),
      support_{work_.path() / "support"} {
  // Programs may run as another user, which needs read access to them.
  fs::permissions(work_.path(),
                  fs::perms::group_read | fs::perms::group_exec | fs::perms::others_read | fs::perms::others_exec,
                  fs::perm_options::add);
  make_folder(support_.wrappers);
  // Entries first: each thread then writes into its own.
  for (const Language language : languages_) versions_[language];
  // Go takes longest and begins first.
  std::vector<Language> order(languages_.begin(), languages_.end());
  std::stable_partition(order.begin(), order.end(), [](Language language) { return language == Language::go; });
  for_each_in_slots(order.size(), jobs, [&](std::size_t i, int slot) {
    prepare(order[i], cache, slot);
    return true;
  });
}

std::string Toolchain::limits_text(Language language) const {
  std::string text;
  for (const Step& step : steps_of(language))
    text += fmt::format("{}{} s", text.empty() ? "" : " + ", step.cpu_seconds);
  return text;
}

std::vector<Step> Toolchain::steps_of(Language language) const {
  return benchmark::steps_of(language, settings_.protocol, settings_.timeout_scale, support_);
}

sandbox::Outcome Toolchain::run_step(const Step& step, const fs::path& folder, int slot, const EndMarker* marker,
                                     double cpu_seconds) const {
  sandbox::Job job;
  job.command = step.command;
  job.folder = folder;
  job.folder_is_writable = step.writes;
  job.read_only = step.read_only;
  job.environment = step.environment;
  if (marker != nullptr) job.environment.push_back(marker->variable());
  job.limits.cpu_seconds = cpu_seconds > 0 ? (std::min)(cpu_seconds, step.cpu_seconds) : step.cpu_seconds;
  // Wall time catches programs that wait; CPU time does not depend on what else the machine does.
  job.limits.wall_seconds = 3 * job.limits.cpu_seconds;
  job.is_cancelled = settings_.is_cancelled;
  return sandbox_.run(job, slot);
}

Result Toolchain::run(Language language, std::string_view program, int slot, double cpu_seconds) const {
  const fs::path folder = make_folder(work_.path() / fmt::format("slot-{}", slot));
  put_program(language, program, folder);
  if (language == Language::java) make_folder(folder / "classes");
  const EndMarker marker;
  Result result;
  for (const Step& step : steps_of(language)) {
    // Compilers get no marker, which macros of Rust could read.
    const bool runs = step.stage == Stage::run;
    sandbox::Outcome outcome = run_step(step, folder, slot, runs ? &marker : nullptr, runs ? cpu_seconds : 0);
    const bool is_marked = marker.take_from(outcome.out);
    result.stage = step.stage;
    result.status = status_of(outcome, step.stage);
    result.exit_code = outcome.end == End::exited ? outcome.exit_code : 0;
    result.signal = outcome.end == End::signaled ? outcome.signal : 0;
    result.seconds += outcome.seconds;
    result.cpu_seconds += outcome.cpu_seconds;
    result.peak_bytes = (std::max)(result.peak_bytes, outcome.peak_bytes);
    result.out = kept(outcome.out);
    result.err = kept(outcome.err);
    if (!runs && result.status != Status::ok) return result;
    if (!runs) continue;
    if (result.status == Status::ok && !is_marked) result.status = Status::early_exit;
    if (result.status != Status::exception) continue;
    if ((language == Language::python && has(outcome.err, "SyntaxError")) ||
        (language == Language::go && (has(outcome.out, "[build failed]") || has(outcome.out, "[setup failed]"))) ||
        (language == Language::ruby && is_bad_ruby(folder, slot))) {
      result.status = Status::syntax_error;
      result.stage = Stage::compile;
    }
  }
  return result;
}

bool Toolchain::is_bad_ruby(const fs::path& folder, int slot) const {
  Step parse = steps_of(Language::ruby).front();
  parse.command.insert(parse.command.begin() + 1, "-c");
  const sandbox::Outcome outcome = run_step(parse, folder, slot, nullptr, 0);
  return outcome.end == End::exited && outcome.exit_code != 0;
}

}  // namespace multipl_moe::benchmark
