#include "multipl_moe/cli/evaluate_check.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>

#include "multipl_moe/benchmark/solvability.hpp"
#include "multipl_moe/benchmark/tools.hpp"
#include "multipl_moe/cli/evaluation_problems.hpp"
#include "multipl_moe/cli/execution_progress.hpp"
#include "multipl_moe/cli/interrupted.hpp"
#include "multipl_moe/cli/program_machine.hpp"
#include "multipl_moe/io/errors.hpp"

namespace multipl_moe {

namespace {

std::set<Language> languages_to_check(const EvaluateFlags& flags, const Selection& selection) {
  if (!flags.benchmarks.empty()) return selection.languages();
  if (flags.languages.empty()) return {all_languages.begin(), all_languages.end()};
  std::set<Language> languages;
  for (const std::string& name : flags.languages) languages.insert(language_named(name));
  return languages;
}

nlohmann::ordered_json json_of(const std::vector<benchmark::SelfTestFault>& faults) {
  nlohmann::ordered_json texts = nlohmann::ordered_json::array();
  for (const benchmark::SelfTestFault& fault : faults) texts.push_back(fault.text);
  return texts;
}

/// What was found, for the two forms of the output.
struct CheckReport {
  std::string text;
  nlohmann::ordered_json json;
};

void add_parts(CheckReport& report, const MachineParts& parts, const ProgramMachine* machine) {
  report.json["sandbox"] = nullptr;
  if (machine != nullptr) report.json["sandbox"] = machine->toolchain().sandbox().description();
  report.text =
      fmt::format("sandbox  {}", machine == nullptr ? "missing" : machine->toolchain().sandbox().description());
  for (const Language language : parts.installed) {
    // Versions are printed by the compilers, which run in the sandbox too.
    const std::string version = machine == nullptr ? "installed" : machine->toolchain().version(language);
    report.text += fmt::format("\n{:<8} {}", title_of(language), escaped(version));
    if (machine != nullptr) report.json["versions"][std::string(name_of(language))] = version;
  }
  for (const Language language : parts.missing) report.text += fmt::format("\n{:<8} missing", title_of(language));
  report.json["missing_packages"] = benchmark::missing_packages(parts.missing);
}

void add_solvability(CheckReport& report, const EvaluateFlags& flags, const ProgramMachine& machine,
                     const std::vector<benchmark::Problem>& all) {
  std::vector<benchmark::Problem> problems;
  for (const benchmark::Problem& problem : all)
    if (machine.toolchain().languages().contains(problem.language)) problems.push_back(problem);
  if (problems.empty()) return;
  ExecutionProgress progress(2 * problems.size(), flags.quiet);
  const auto found = check_solvability(machine.toolchain(), benchmark::ResultCache(flags.cache), problems, flags.jobs,
                                       progress.listener());
  progress.finish();
  if (InterruptGuard::signal() != 0) throw Interrupted(InterruptGuard::signal(), "nothing was saved");
  report.text += "\n\n" + solvability_table(problems, found);
  report.json["solvability"] = solvability_json(problems, found);
}

}  // namespace

void run_check(const EvaluateFlags& flags) {
  warn_unsandboxed(flags);
  const Selection selection = flags.benchmarks.empty() ? Selection() : select_problems(flags);
  const MachineParts parts = find_machine_parts(flags, languages_to_check(flags, selection));
  std::optional<ProgramMachine> machine;
  if (parts.sandbox) machine.emplace(parts, flags, /*anew=*/true);
  CheckReport report;
  add_parts(report, parts, machine ? &*machine : nullptr);
  std::string reasons = parts.missing_text();
  if (machine) {
    const auto& faults = machine->self_test().faults;
    report.json["faults"] = json_of(faults);
    report.text += "\n" + text_of(machine->self_test());
    for (const benchmark::SelfTestFault& fault : faults) reasons += "\n  " + fault.text;
    if (faults.empty()) add_solvability(report, flags, *machine, selection.problems);
  }
  fmt::print("{}\n", flags.json ? report.json.dump(2) : report.text);
  if (!reasons.empty()) throw Failure("[evaluate] this machine cannot score these languages:" + reasons);
}

}  // namespace multipl_moe
