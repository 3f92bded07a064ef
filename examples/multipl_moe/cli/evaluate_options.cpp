#include "multipl_moe/cli/evaluate_options.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <thread>

#include "multipl_moe/cli/generation_run.hpp"
#include "multipl_moe/cli/options.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/train/interrupt.hpp"

namespace multipl_moe {

namespace {

constexpr std::string_view multipl_e = "multipl-e";

/// An option with the modes in which it has an effect.
struct Scope {
  CLI::Option* option;
  std::vector<EvaluateMode> modes;
};

std::string name_of(EvaluateMode mode) {
  switch (mode) {
    case EvaluateMode::score:
      return "with --model";
    case EvaluateMode::generate:
      return "with --generate-only";
    case EvaluateMode::execute:
      return "with --completions";
    case EvaluateMode::check:
      break;
  }
  return "with --check";
}

void require_applicable(const std::vector<Scope>& scopes, EvaluateMode mode) {
  for (const auto& [option, modes] : scopes) {
    if (option->count() == 0 || std::count(modes.begin(), modes.end(), mode) > 0) continue;
    std::vector<std::string> valid;
    for (const EvaluateMode other : modes) valid.push_back(name_of(other));
    throw UsageError(fmt::format("[evaluate] --{} has no effect {}, only {}", option->get_single_name(), name_of(mode),
                                 fmt::join(valid, " or ")));
  }
}

void fail(const std::string& rule) { throw UsageError("[evaluate] " + rule); }

void require_inputs(const EvaluateFlags& flags) {
  const EvaluateMode mode = flags.mode();
  if (mode == EvaluateMode::check) return;
  if (flags.model.empty() == flags.completions.empty())
    fail(fmt::format("needs --model, whose completions are generated, or --completions, a file of them, found {}",
                     flags.model.empty() ? "neither" : "both"));
  if (flags.output.empty()) fail("needs --output, the folder for the results");
  if (flags.benchmarks.empty() && (flags.completions.empty() || !benchmark::is_multipl_e(flags.completions)))
    fail("needs --benchmark, a file of problems; only MultiPL-E's files of completions hold their problems too");
}

/// Whether the samples of a problem are drawn at random.
void require_sampling(const EvaluateFlags& flags, const CLI::Option& top_p, const CLI::Option& seed) {
  if (flags.mode() != EvaluateMode::score && flags.mode() != EvaluateMode::generate) return;
  if (flags.options.temperature > 0) return;
  if (flags.samples > 1)
    fail(
        fmt::format("--samples above 1 needs a --temperature above 0, found {} samples at temperature 0, which are all "
                    "equal",
                    flags.samples));
  for (const CLI::Option* const option : {&top_p, &seed})
    if (option->count() > 0)
      fail(fmt::format("--{} needs a --temperature above 0: at 0 the most probable token is always taken",
                       option->get_single_name()));
}

}  // namespace

EvaluateMode EvaluateFlags::mode() const {
  if (check) return EvaluateMode::check;
  if (generate_only) return EvaluateMode::generate;
  return completions.empty() ? EvaluateMode::score : EvaluateMode::execute;
}

benchmark::ExecutionSettings EvaluateFlags::execution() const {
  return {sandbox == "none" ? sandbox::Mode::none : sandbox::Mode::bubblewrap, benchmark::protocol_named(protocol),
          timeout_scale, [] { return InterruptGuard::signal() != 0; }};
}

std::function<void()> add_evaluate_options(CLI::App& command, EvaluateFlags& flags) {
  using Modes = std::vector<EvaluateMode>;
  using enum EvaluateMode;
  const Modes all{score, generate, execute, check}, with_model{score, generate}, with_output{score, generate, execute},
      executes{score, execute, check}, scores{score, execute};
  std::vector<Scope> scopes;
  const auto add = [&](const Modes& modes, CLI::Option* option) {
    scopes.push_back({option, modes});
    return option;
  };
  // Options of other files: their scope is that of the options that they added.
  const auto add_all = [&](const Modes& modes, const std::function<void()>& add_them) {
    const std::size_t before = command.get_options().size();
    add_them();
    const auto options = command.get_options();
    for (std::size_t i = before; i < options.size(); ++i) add(modes, options[i]);
  };

  add(with_model, command
                      .add_option("--model", flags.model,
                                  "folder of a model, or of a training run, whose newest checkpoint is read; its "
                                  "completions are generated")
                      ->type_name("DIR"));
  add_all(with_model, [&] { add_links_option(command); });
  add({execute}, command
                     .add_option("--completions", flags.completions,
                                 "file of completions to execute instead: .jsonl of an earlier run or of HumanEval, "
                                 "or MultiPL-E's .json; .gz of them; or a folder of MultiPL-E's files")
                     ->type_name("FILE"));
  add(all, command
               .add_option("--benchmark", flags.benchmarks,
                           "file of problems, MultiPL-E's or HumanEval's .jsonl or .jsonl.gz, or a folder with "
                           "prompts.jsonl; may be given several times")
               ->type_name("FILE")
               ->allow_extra_args(false));
  add(with_output, command.add_option("-o,--output", flags.output, "new folder for the results")->type_name("DIR"));
  add({check}, command.add_flag("--check", flags.check,
                                "score nothing: check the sandbox and the compilers with programs of known status, and "
                                "whether each problem of --benchmark can be solved"));
  add({generate}, command.add_flag("--generate-only", flags.generate_only, "write completions.jsonl, execute nothing"));
  add(all, command
               .add_option("--languages", flags.languages,
                           "languages of the benchmark to evaluate, such as python,cpp [all]")
               ->delimiter(',')
               ->type_name("NAMES"));
  add(all,
      command.add_option("--limit", flags.limit, "number of problems per benchmark and language, the first; 0: all")
          ->capture_default_str()
          ->check(not_negative()));
  add(with_output,
      command
          .add_option("--prompt", flags.prompt,
                      "verbatim, or stripped: white space at the end of prompts is removed, for models that expect "
                      "the line break in their own tokens")
          ->capture_default_str()
          ->check(CLI::IsMember({"verbatim", "stripped"})));

  CLI::Option* const preset =
      add(with_model, command
                          .add_option("--preset", flags.preset,
                                      "multipl-e: MultiPL-E's settings, 20 samples at temperature 0.2, top-p 0.95, "
                                      "512 tokens; flags that are given take precedence")
                          ->check(CLI::IsMember({multipl_e})));
  CLI::Option* const samples =
      add(with_model, command.add_option("--samples", flags.samples, "completions per problem")
                          ->capture_default_str()
                          ->check(above_zero()));
  CLI::Option* const temperature =
      add(with_model, command
                          .add_option("--temperature", flags.options.temperature,
                                      "sampling temperature; 0: always the most probable token (greedy)")
                          ->capture_default_str()
                          ->check(not_negative()));
  CLI::Option* const top_p =
      add(with_model, command
                          .add_option("--top-p", flags.options.top_p,
                                      "sample from the fewest most probable tokens whose probabilities sum to this")
                          ->capture_default_str()
                          ->check(CLI::Range(0.0, 1.0)));
  CLI::Option* const new_tokens =
      add(with_model, command
                          .add_option("--max-new-tokens", flags.options.max_new_tokens,
                                      "maximum number of tokens per completion, cut to what a prompt leaves of the "
                                      "model's max_position_embeddings")
                          ->capture_default_str()
                          ->check(above_zero()));
  CLI::Option* const seed =
      add(with_model, command
                          .add_option("--seed", flags.options.seed,
                                      "random seed; what is drawn also depends on the problem's name and the sample's "
                                      "number, not on other problems or the batch")
                          ->capture_default_str());
  add(with_model, command
                      .add_option("--batch-size", flags.options.batch_size,
                                  "completions that are decoded together; any number up to 8 gives the same results")
                      ->capture_default_str()
                      ->check(CLI::Range(1, 8)));
  add_all(with_model, [&] {
    add_weights_options(command, flags, true);
    add_threads_option(command, flags.threads);
  });

  add(scores, command
                  .add_option("--pass-at", flags.pass_at,
                              "numbers k for which pass@k is computed, such as 1,10; at most the number of samples [1]")
                  ->delimiter(',')
                  ->check(above_zero()));
  add(executes, command.add_option("--jobs", flags.jobs, "programs that run at the same time [number of CPU threads]")
                    ->check(CLI::Range(1, 128)));
  add(executes, command
                    .add_option("--protocol", flags.protocol,
                                "time limits: multipl-e: 5 to 30 s as in MultiPL-E's scripts; exercises: 5 s per run")
                    ->capture_default_str()
                    ->check(CLI::IsMember({"multipl-e", "exercises"})));
  add(executes, command.add_option("--timeout-scale", flags.timeout_scale, "factor of all time limits")
                    ->capture_default_str()
                    ->check(above_zero()));
  add(executes, command
                    .add_option("--sandbox", flags.sandbox,
                                "bubblewrap: programs cannot reach the machine's files, network and processes; none: "
                                "they can do what this user can, and --allow-unsandboxed is needed too")
                    ->capture_default_str()
                    ->check(CLI::IsMember({"bubblewrap", "none"})));
  add(executes, command.add_flag("--allow-unsandboxed", flags.allow_unsandboxed,
                                 "confirms --sandbox none: programs written by a model run with your rights"));
  add(executes, command
                    .add_option("--cache", flags.cache,
                                "folder of results and passed self-tests that several runs share: an equal program "
                                "with the same compiler and limits is not run again")
                    ->type_name("DIR"));
  add(scores, command
                  .add_option("--export", flags.export_form,
                              "multipl-e: also write completions and results in MultiPL-E's form, to the folder "
                              "multipl-e in --output")
                  ->check(CLI::IsMember({multipl_e})));
  add(with_output, command.add_flag("--resume", flags.resume, "continue an interrupted run in --output"));
  add(executes, command.add_flag("--json", flags.json, "print the scores as JSON"));
  add(all, command.add_flag("-q,--quiet", flags.quiet, "do not print notes and progress on stderr"));

  return [&flags, scopes, preset, samples, temperature, top_p, new_tokens, seed] {
    if (flags.check && flags.generate_only) fail("--check and --generate-only exclude each other");
    require_applicable(scopes, flags.mode());
    require_inputs(flags);
    if (flags.check && flags.benchmarks.empty() && flags.limit > 0)
      fail("--limit with --check needs --benchmark, whose problems it counts");
    if (preset->count() > 0) {
      if (samples->count() == 0) flags.samples = 20;
      if (temperature->count() == 0) flags.options.temperature = 0.2;
      if (top_p->count() == 0) flags.options.top_p = 0.95;
      if (new_tokens->count() == 0) flags.options.max_new_tokens = 512;
    }
    require_sampling(flags, *top_p, *seed);
    if (flags.options.top_p <= 0) fail(fmt::format("--top-p must be above 0, found {}", flags.options.top_p));
    if ((flags.sandbox == "none") != flags.allow_unsandboxed)
      fail(flags.allow_unsandboxed
               ? "--allow-unsandboxed confirms --sandbox none, which is not given"
               : "--sandbox none lets programs that a model wrote read, change and delete what you can; if that is "
                 "wanted, add --allow-unsandboxed");
    if (flags.pass_at.empty()) flags.pass_at = {1};
    std::sort(flags.pass_at.begin(), flags.pass_at.end());
    flags.pass_at.erase(std::unique(flags.pass_at.begin(), flags.pass_at.end()), flags.pass_at.end());
    if (flags.mode() == score && flags.pass_at.back() > flags.samples)
      fail(fmt::format(
          "--pass-at must be at most --samples, since pass@k needs k samples of every problem, found k = {} "
          "and {} samples",
          flags.pass_at.back(), flags.samples));
    if (flags.jobs == 0) flags.jobs = static_cast<int>(std::clamp(std::thread::hardware_concurrency(), 1u, 128u));
    for (const std::string& language : flags.languages) language_named(language);
    flags.options.weights = decoding_weights_of(flags.weights);
  };
}

}  // namespace multipl_moe
