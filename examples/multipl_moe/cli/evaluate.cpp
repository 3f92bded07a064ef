#include <fmt/format.h>
#include <sys/utsname.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "multipl_moe/benchmark/multipl_e_export.hpp"
#include "multipl_moe/benchmark/problem_file.hpp"
#include "multipl_moe/benchmark/scores.hpp"
#include "multipl_moe/benchmark/self_test.hpp"
#include "multipl_moe/benchmark/solvability.hpp"
#include "multipl_moe/cli/commands.hpp"
#include "multipl_moe/cli/environment.hpp"
#include "multipl_moe/cli/evaluate_options.hpp"
#include "multipl_moe/cli/evaluation_folder.hpp"
#include "multipl_moe/cli/generation_run.hpp"
#include "multipl_moe/cli/interrupted.hpp"
#include "multipl_moe/io/counted.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/file.hpp"
#include "multipl_moe/io/hash.hpp"
#include "multipl_moe/io/manifest.hpp"
#include "multipl_moe/io/notice.hpp"
#include "multipl_moe/train/checkpoint.hpp"
#include "multipl_moe/train/interrupt.hpp"
#include "multipl_moe/train/progress.hpp"

namespace multipl_moe {

namespace {

using benchmark::Completion;
using benchmark::Executed;
using benchmark::Problem;
using benchmark::Scored;
using benchmark::Toolchain;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

/// The problems that a run is about, and completions that came with them.
struct Selection {
  std::vector<Problem> problems;
  std::vector<Completion> completions;                        ///< of --completions
  std::vector<std::pair<std::string, std::uint64_t>> hashes;  ///< of the benchmarks' files

  std::set<Language> languages() const {
    std::set<Language> all;
    for (const Problem& problem : problems) all.insert(problem.language);
    return all;
  }
};

/// The problems of the languages in the flags, the first of each language.
std::vector<Problem> selected(std::vector<Problem> problems, const EvaluateFlags& flags) {
  std::set<Language> languages;
  for (const std::string& name : flags.languages) languages.insert(language_named(name));
  std::map<std::pair<std::string, Language>, std::int64_t> taken;
  std::vector<Problem> result;
  for (Problem& problem : problems) {
    if (!languages.empty() && !languages.contains(problem.language)) continue;
    if (flags.limit > 0 && ++taken[{problem.benchmark, problem.language}] > flags.limit) continue;
    result.push_back(flags.prompt == "stripped" ? with_stripped_prompt(std::move(problem)) : std::move(problem));
  }
  for (const Language language : languages) {
    bool is_there = false;
    for (const Problem& problem : result) is_there = is_there || problem.language == language;
    if (!is_there)
      throw UsageError(
          fmt::format("[evaluate] --languages must be languages of the benchmark, found {}, in which it has "
                      "no problem",
                      name_of(language)));
  }
  return result;
}

Selection read_benchmarks(const EvaluateFlags& flags) {
  Selection selection;
  std::map<std::pair<Language, std::string>, std::string> files;
  for (const std::string& path : flags.benchmarks) {
    benchmark::Benchmark read = benchmark::read_benchmark(path);
    for (const auto& [name, unused] : selection.hashes)
      if (name == read.name)
        throw UsageError(
            fmt::format("[evaluate] benchmarks must have names of their own, found two called '{}', which "
                        "would be scored as one; rename a file, or evaluate them apart",
                        escaped(name, 60)));
    selection.hashes.emplace_back(read.name, read.hash);
    for (Problem& problem : read.problems) {
      const auto [first, is_new] = files.try_emplace({problem.language, problem.name}, path);
      if (!is_new)
        throw BadFile(path, fmt::format("must have problems with names of their own, found '{}' ({}), which is also in "
                                        "{}",
                                        escaped(problem.name, 60), title_of(problem.language), escaped(first->second)));
      selection.problems.push_back(std::move(problem));
    }
  }
  return selection;
}

/// Gives the completions of MultiPL-E's files to the problems; without --benchmark these are in the files too.
void take_completed_problems(Selection& selection, const EvaluateFlags& flags) {
  std::vector<benchmark::CompletedProblem> completed = benchmark::read_completed_problems(flags.completions);
  if (flags.benchmarks.empty()) {
    std::string text;
    for (benchmark::CompletedProblem& one : completed) {
      one.problem.benchmark = std::filesystem::path(flags.completions).stem();
      text += one.problem.prompt + one.problem.tests;
      selection.problems.push_back(one.problem);
    }
    selection.hashes.emplace_back("problems of the completions", hash_of(text));
  }
  std::map<std::pair<Language, std::string>, std::size_t> places;
  for (std::size_t i = 0; i < selection.problems.size(); ++i)
    places[{selection.problems[i].language, selection.problems[i].name}] = i;
  for (const benchmark::CompletedProblem& one : completed) {
    const auto place = places.find({one.problem.language, one.problem.name});
    const Problem* const problem = place == places.end() ? nullptr : &selection.problems[place->second];
    if (problem == nullptr || problem->prompt != one.problem.prompt || problem->tests != one.problem.tests)
      throw BadFile(flags.completions,
                    fmt::format("must have the prompts and tests of --benchmark, found other ones of "
                                "'{}' ({})",
                                escaped(one.problem.name, 60), title_of(one.problem.language)));
    for (std::size_t sample = 0; sample < one.completions.size(); ++sample)
      selection.completions.push_back({place->second, static_cast<std::int64_t>(sample), one.completions[sample]});
  }
}

/// Keeps the completions of the selected problems.
std::vector<Completion> completions_of(const std::vector<Problem>& kept, const Selection& all) {
  std::map<std::pair<Language, std::string>, std::size_t> places;
  for (std::size_t i = 0; i < kept.size(); ++i) places[{kept[i].language, kept[i].name}] = i;
  std::vector<Completion> result;
  for (const Completion& completion : all.completions) {
    const Problem& problem = all.problems[completion.problem];
    const auto place = places.find({problem.language, problem.name});
    if (place == places.end()) continue;
    result.push_back(completion);
    result.back().problem = place->second;
  }
  return result;
}

/// Throws UsageError if the completions are those of a run with other prompts.
void require_same_prompts(const EvaluateFlags& flags, const Selection& selection) {
  const std::map<std::string, std::string> settings = settings_of_run(flags.completions);
  const auto require = [&](const std::string& setting, const std::string& now) {
    const auto found = settings.find(setting);
    if (found != settings.end() && found->second != now)
      throw UsageError(
          fmt::format("[evaluate] --completions must be executed with the prompts that they continue: {} was {} when "
                      "they were generated, found {}",
                      escaped(setting), escaped(found->second), escaped(now)));
  };
  require("prompt", fmt::format("\"{}\"", flags.prompt));
  for (const auto& [name, hash] : selection.hashes)
    require(nlohmann::json("benchmark " + name).dump() + " in [record]", fmt::format("\"XXH3 {:016x}\"", hash));
}

Selection select(const EvaluateFlags& flags) {
  Selection selection = read_benchmarks(flags);
  if (!flags.completions.empty()) {
    if (benchmark::is_multipl_e(flags.completions))
      take_completed_problems(selection, flags);
    else
      selection.completions = benchmark::read_completions(flags.completions, selection.problems);
    require_same_prompts(flags, selection);
  }
  std::vector<Problem> problems = selected(selection.problems, flags);
  selection.completions = completions_of(problems, selection);
  selection.problems = std::move(problems);
  return selection;
}

/// The hash of a model's files: the weights, the configuration and the tokenizer.
std::uint64_t model_hash(const std::string& model) {
  const std::filesystem::path folder = model_folder(model);
  std::uint64_t hash = 0;
  for (const std::string& name : file_names_in(folder))
    if (name.ends_with(".safetensors") || name.ends_with(".json") || name.ends_with(".txt"))
      hash = hash_of_numbers({hash, hash_of(name), hash_of_file(folder / name)});
  return hash;
}

/// [record] of evaluation.toml: what the results depend on beside the settings.
std::string record_text(const EvaluateFlags& flags, const Selection& selection, const sandbox::Sandbox* box,
                        const Toolchain* toolchain) {
  const auto text = [](const std::string& value) { return nlohmann::json(value).dump(); };
  std::string lines = "\n[record]\n";
  lines += fmt::format("compiler = {}\n", text(compiler_name()));
  for (const auto& [name, hash] : selection.hashes)
    lines += fmt::format("{} = \"XXH3 {:016x}\"\n", text("benchmark " + name), hash);
  lines += fmt::format("problems = {}\n", selection.problems.size());
  if (!flags.model.empty()) lines += fmt::format("model_hash = \"XXH3 {:016x}\"\n", model_hash(flags.model));
  if (!flags.completions.empty()) {
    std::string completions;
    for (const Completion& completion : selection.completions)
      completions += line_of(completion, selection.problems[completion.problem]) + "\n";
    lines += fmt::format("completions_hash = \"XXH3 {:016x}\"\n", hash_of(completions));
  }
  ::utsname system{};
  if (::uname(&system) == 0)
    lines +=
        fmt::format("kernel = {}\n", text(fmt::format("{} {} {}", system.sysname, system.release, system.machine)));
  if (toolchain == nullptr) return lines;
  lines += fmt::format("sandbox_found = {}\n", text(box->description()));
  for (const Language language : toolchain->languages()) {
    lines += fmt::format("{}_version = {}\n", name_of(language), text(toolchain->version(language)));
    lines += fmt::format("{}_limits = {}\n", name_of(language), text(toolchain->limits_text(language)));
  }
  return lines;
}

/// Sandbox and compilers, tested.
struct ProgramMachine {
  sandbox::Sandbox box;
  Toolchain toolchain;

  ProgramMachine(const EvaluateFlags& flags, const std::set<Language>& languages)
      : box(sandbox::Sandbox::open(flags.execution().mode, flags.jobs)),
        toolchain(box, flags.execution(), languages, flags.cache) {}
};

void warn_unsandboxed(const EvaluateFlags& flags) {
  if (flags.sandbox == "none")
    notice("warning: --sandbox none: programs that a model wrote run with your rights, without isolation\n");
}

std::vector<Completion> generate_completions(const EvaluateFlags& flags, const Selection& selection,
                                             EvaluationFolder& folder) {
  const std::vector<Problem>& problems = selection.problems;
  std::vector<Completion> completions = folder.open_completions(problems);
  std::set<WantedSample> known;
  for (const Completion& completion : completions) known.emplace(completion.problem, completion.sample);
  std::vector<WantedSample> wanted;
  std::vector<std::string> prompts;
  for (std::size_t i = 0; i < problems.size(); ++i)
    for (std::int64_t sample = 0; sample < flags.samples; ++sample)
      if (!known.contains({i, sample})) {
        wanted.emplace_back(i, sample);
        prompts.push_back(problems[i].prompt);
      }
  const std::size_t total = wanted.size() + completions.size();
  if (!wanted.empty() && folder.has_all_completions())
    throw BadFile(folder.path() / benchmark::completions_name,
                  fmt::format("must have all completions of the run, found {} missing; remove the file, and --resume "
                              "generates them again",
                              counted(wanted.size(), "completions")));
  if (!wanted.empty()) {
    CompletionOptions options = flags.options;
    GenerateOptions of_model;
    of_model.fill_from(read_generation_config(model_folder(flags.model)));
    options.end_tokens = of_model.end_tokens;
    const auto model = load_for_inference(
        flags, generation_run("evaluate", flags.model, prompts, generate_options_of(options, problems.front())));
    if (!model->is_causal() && !flags.quiet)
      notice(
          "note: the routing of this model depends on later tokens (it is not causal), so every token takes a pass "
          "over "
          "the whole text\n");
    LiveLine line;
    CompletionListener listener;
    listener.done = [&](Completion completion) {
      folder.add(completion, problems[completion.problem]);
      completions.push_back(std::move(completion));
      if (!flags.quiet)
        line.show(fmt::format("generate {}/{}", completions.size(), total), completions.size() % 50 == 0,
                  completions.size() == total);
    };
    listener.tick = [&] {
      if (InterruptGuard::signal() == 0) return;
      line.finish();
      throw Interrupted(InterruptGuard::signal(), fmt::format("{} of {} are saved; --resume continues",
                                                              counted(completions.size(), "completions"), total));
    };
    GenerationSpeed speed;
    const std::int64_t without_room = complete_problems(*model, problems, wanted, options, listener, speed);
    if (without_room > 0)
      notice("warning: {} left no room in the model's context and got an empty completion\n",
             counted(without_room, "prompts"));
    if (!flags.quiet && speed.decode_seconds > 0)
      notice("generated {} in {}, {} tok/s\n", counted(wanted.size(), "completions"),
             short_duration(speed.prefill_seconds + speed.decode_seconds),
             short_count(static_cast<double>(speed.decoded_tokens) / speed.decode_seconds));
  }
  return completions;
}

void write_completions(std::vector<Completion>& completions, const std::vector<Problem>& problems,
                       EvaluationFolder& folder) {
  std::sort(completions.begin(), completions.end(), [](const Completion& left, const Completion& right) {
    return std::pair(left.problem, left.sample) < std::pair(right.problem, right.sample);
  });
  std::string text;
  for (const Completion& completion : completions) text += line_of(completion, problems[completion.problem]) + "\n";
  folder.write(benchmark::completions_name, text);
}

/// Shows how many programs have run.
class ExecutionProgress {
 public:
  ExecutionProgress(std::size_t total, bool quiet) : total_(total), quiet_(quiet) {}

  benchmark::ExecutionListener listener() {
    benchmark::ExecutionListener listener;
    listener.ran = [this] {
      ++ran_;
      if (!quiet_) line_.show(fmt::format("execute {} of at most {}", ran_, total_), ran_ % 100 == 0, false);
    };
    listener.should_stop = [] { return InterruptGuard::signal() != 0; };
    return listener;
  }
  std::size_t ran() const { return ran_; }
  void finish() { line_.finish(); }

 private:
  std::size_t total_, ran_ = 0;
  bool quiet_;
  LiveLine line_;
};

std::vector<Scored> execute_completions(const EvaluateFlags& flags, const ProgramMachine& machine,
                                        const Selection& selection, const std::vector<Completion>& completions,
                                        EvaluationFolder& folder) {
  const std::vector<Problem>& problems = selection.problems;
  std::vector<Scored> scored;
  std::vector<benchmark::Task> tasks;
  for (const Completion& completion : completions) {
    const Problem& problem = problems[completion.problem];
    tasks.push_back({problem.language, program_of(problem, completion.text)});
    scored.push_back({completion, benchmark::program_hash(tasks.back().program), {}});
  }
  const auto begin = Clock::now();
  auto known = folder.open_results(problems, scored);
  ExecutionProgress progress(tasks.size(), flags.quiet);
  benchmark::ExecutionListener listener = progress.listener();
  std::size_t finished = 0;
  listener.done = [&](std::size_t i, const Executed& executed) {
    scored[i].executed = executed;
    folder.add(scored[i], problems[scored[i].completion.problem]);
    ++finished;
  };
  const auto results =
      execute(machine.toolchain, benchmark::ResultCache(flags.cache), tasks, std::move(known), flags.jobs, listener);
  progress.finish();
  if (InterruptGuard::signal() != 0)
    throw Interrupted(InterruptGuard::signal(),
                      fmt::format("{} are saved; --resume continues", counted(finished, "new results")));
  for (std::size_t i = 0; i < scored.size(); ++i) scored[i].executed = results[i].value();
  if (!flags.quiet)
    notice("executed {} for {} in {}\n", counted(progress.ran(), "programs"), counted(tasks.size(), "completions"),
           short_duration(seconds_since(begin)));
  return scored;
}

/// For each problem whether no completion can pass: one that has compiled can, the others are tried with a function
/// that aborts.
std::vector<bool> cannot_pass(const EvaluateFlags& flags, const ProgramMachine& machine,
                              const std::vector<Problem>& problems, const std::vector<Scored>& scored) {
  std::vector<bool> result(problems.size(), true);
  for (const Scored& sample : scored)
    if (sample.executed.result.status != benchmark::Status::syntax_error) result[sample.completion.problem] = false;
  std::vector<std::size_t> open;
  for (std::size_t i = 0; i < problems.size(); ++i)
    if (result[i]) open.push_back(i);
  ExecutionProgress progress(open.size(), /*quiet=*/true);
  const auto found = execute(machine.toolchain, benchmark::ResultCache(flags.cache), aborting_tasks(problems, open), {},
                             flags.jobs, progress.listener());
  if (InterruptGuard::signal() != 0)
    throw Interrupted(InterruptGuard::signal(), "results are saved; --resume continues");
  for (std::size_t i = 0; i < open.size(); ++i)
    result[open[i]] = found[i].value().result.status == benchmark::Status::syntax_error;
  return result;
}

void report_timeouts(const std::vector<benchmark::LanguageScores>& scores) {
  std::int64_t first = 0, last = 0;
  for (const benchmark::LanguageScores& s : scores) {
    first += s.first_timeouts;
    last += s.statuses[index_of(benchmark::Status::timeout)];
  }
  if (first > 0)
    notice("{} exceeded a time limit while other programs ran; {} of them also alone\n", counted(first, "completions"),
           last);
}

void run_evaluate(const EvaluateFlags& flags) {
  const Selection selection = select(flags);
  const std::vector<Problem>& problems = selection.problems;
  std::int64_t samples = flags.samples;
  if (!flags.completions.empty()) {
    samples = require_same_samples(problems, selection.completions, flags.completions);
    if (flags.pass_at.back() > samples)
      throw UsageError(
          fmt::format("[evaluate] --pass-at must be at most the number of samples of each problem, found k = "
                      "{} and {} in {}",
                      flags.pass_at.back(), counted(samples, "samples"), escaped(flags.completions)));
  }
  if (!flags.model.empty())
    for (const Problem& problem : problems)
      if (problem.stop_tokens.empty())
        throw UsageError(fmt::format(
            "[evaluate] every problem that is generated must have \"stop_tokens\", which end its function, found none "
            "in '{}' ({}); add them to the benchmark",
            escaped(problem.name, 60), title_of(problem.language)));
  // Everything that can be missing is asked for before hours of generation, and before the folder is begun.
  if (!flags.model.empty()) {
    std::vector<std::string> prompts;
    for (const Problem& problem : problems) prompts.push_back(problem.prompt);
    generation_run("evaluate", flags.model, prompts, generate_options_of(flags.options, problems.front()));
  }
  std::optional<ProgramMachine> machine;
  if (!flags.generate_only) {
    warn_unsandboxed(flags);
    machine.emplace(flags, selection.languages());
    require_self_test(machine->toolchain, flags.jobs);
  }
  EvaluationFolder folder(
      flags.output,
      evaluate_settings_text(flags) +
          record_text(flags, selection, machine ? &machine->box : nullptr, machine ? &machine->toolchain : nullptr),
      flags.resume);
  constexpr std::uint64_t bytes_per_sample = 16 << 10;
  require_free_disk(flags.output, bytes_per_sample * static_cast<std::uint64_t>(samples) * problems.size());

  std::vector<Completion> completions =
      flags.completions.empty() ? generate_completions(flags, selection, folder) : selection.completions;
  write_completions(completions, problems, folder);
  if (flags.generate_only) {
    folder.finish();
    if (!flags.quiet)
      notice("wrote {}; evaluate --completions executes it\n",
             escaped((folder.path() / benchmark::completions_name).native()));
    return;
  }
  const std::vector<Scored> scored = execute_completions(flags, *machine, selection, completions, folder);
  const auto scores = scores_of(problems, scored, flags.pass_at, cannot_pass(flags, *machine, problems, scored));
  folder.write("results.jsonl", results_text(problems, scored));
  folder.write("problems.csv", problems_csv(problems, scored));
  if (!flags.export_form.empty()) export_multipl_e(folder.path() / "multipl-e", problems, scored);
  folder.write("summary.csv", summary_csv(scores));
  folder.finish();
  report_timeouts(scores);
  fmt::print("{}\n", flags.json ? summary_json(scores) : summary_table(scores));
}

nlohmann::ordered_json json_of(const std::vector<benchmark::SelfTestFault>& faults) {
  nlohmann::ordered_json texts = nlohmann::ordered_json::array();
  for (const benchmark::SelfTestFault& fault : faults) texts.push_back(fault.text);
  return texts;
}

void run_check(const EvaluateFlags& flags) {
  warn_unsandboxed(flags);
  const Selection selection = flags.benchmarks.empty() ? Selection() : select(flags);
  std::set<Language> languages = selection.languages(), missing;
  if (flags.benchmarks.empty()) {
    for (const std::string& name : flags.languages) languages.insert(language_named(name));
    if (flags.languages.empty()) languages.insert(all_languages.begin(), all_languages.end());
  }
  const std::string packages = benchmark::missing_packages(languages);
  for (const Language language : languages)
    if (!benchmark::missing_packages({language}).empty()) missing.insert(language);
  for (const Language language : missing) languages.erase(language);
  const ProgramMachine machine(flags, languages);
  const auto faults = self_test(machine.toolchain, flags.jobs);
  nlohmann::ordered_json json{{"sandbox", machine.box.description()}};
  std::string text = fmt::format("sandbox  {}", machine.box.description());
  for (const Language language : languages) {
    text += fmt::format("\n{:<8} {}", title_of(language), escaped(machine.toolchain.version(language)));
    json["versions"][std::string(name_of(language))] = machine.toolchain.version(language);
  }
  for (const Language language : missing) text += fmt::format("\n{:<8} missing", title_of(language));
  json["missing_packages"] = packages;
  json["faults"] = json_of(faults);
  text += fmt::format("\nself-test of {}: {}", counted(languages.size(), "languages"),
                      faults.empty() ? "passed" : "failed");

  std::vector<Problem> problems;
  for (const Problem& problem : selection.problems)
    if (languages.contains(problem.language)) problems.push_back(problem);
  if (!problems.empty() && faults.empty()) {
    ExecutionProgress progress(2 * problems.size(), flags.quiet);
    const auto found = check_solvability(machine.toolchain, benchmark::ResultCache(flags.cache), problems, flags.jobs,
                                         progress.listener());
    progress.finish();
    if (InterruptGuard::signal() != 0) throw Interrupted(InterruptGuard::signal(), "nothing was saved");
    text += "\n\n" + solvability_table(problems, found);
    json["solvability"] = solvability_json(problems, found);
  }
  fmt::print("{}\n", flags.json ? json.dump(2) : text);
  std::string reasons;
  if (!packages.empty()) reasons += "\n  missing packages: apt-get install " + packages;
  for (const benchmark::SelfTestFault& fault : faults) reasons += "\n  " + fault.text;
  if (!reasons.empty()) throw Failure("[evaluate] this machine cannot score these languages:" + reasons);
}

}  // namespace

void add_evaluate_command(CLI::App& program) {
  CLI::App& command = *program.add_subcommand(
      "evaluate",
      "Scores a model on a benchmark of programs: generates completions, runs each with its tests in a sandbox and "
      "computes pass@k. `eval` scores held-out text without running anything.");
  const auto flags = std::make_shared<EvaluateFlags>();
  const auto check = add_evaluate_options(command, *flags);
  command.callback([flags, check] {
    check();
    const InterruptGuard guard;
    try {
      if (flags->check)
        run_check(*flags);
      else
        run_evaluate(*flags);
    } catch (const sandbox::Cancelled&) {
      throw Interrupted(InterruptGuard::signal(), "nothing was scored");
    }
  });
}

}  // namespace multipl_moe
