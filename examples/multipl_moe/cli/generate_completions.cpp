#include "multipl_moe/cli/generate_completions.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "multipl_moe/cli/generation_run.hpp"
#include "multipl_moe/cli/interrupted.hpp"
#include "multipl_moe/eval/causality.hpp"
#include "multipl_moe/io/counted.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/notice.hpp"
#include "multipl_moe/train/checkpoint.hpp"
#include "multipl_moe/train/interrupt.hpp"
#include "multipl_moe/train/progress.hpp"

namespace multipl_moe {

using benchmark::Completion;
using benchmark::Problem;

namespace {

/// Throws Failure if the first tokens of prompts that follow each other are predicted by what comes after them. A model
/// that is not causal by design is given every prefix alone, so there is nothing to check.
void check_causality(const LanguageModel& model, const std::vector<Problem>& problems) {
  if (!model.is_causal()) return;
  const ModelConfig& config = model.config();
  const std::int64_t window = config.moe ? config.moe->segment_window : 0;
  const CausalityOptions options{
      .sequences = 2, .length = std::min(config.longest_text() - 1, std::max<std::int64_t>(128, 2 * window + 2))};
  const Language language = problems.front().language;
  std::vector<Token> tokens;
  for (const Problem& problem : problems) {
    if (problem.language != language) continue;
    const std::vector<Token> more = model.tokenizer()->encode(problem.prompt);
    tokens.insert(tokens.end(), more.begin(), more.end());
    if (std::ssize(tokens) > options.length) break;
  }
  if (tokens.size() < 2) return;
  tokens.resize(std::min(tokens.size(), static_cast<std::size_t>(options.length) + 1));
  const SuffixText text{.name = std::string(title_of(language)),
                        .tokens = {tokens.begin(), tokens.end() - 1},
                        .targets = {tokens.begin() + 1, tokens.end()},
                        .languages = {language}};
  require_causality("evaluate", measure_causality(model, std::span(&text, 1), options));
}

}  // namespace

void require_generation(const EvaluateFlags& flags, const std::vector<Problem>& problems) {
  std::vector<std::string> prompts;
  for (const Problem& problem : problems) {
    prompts.push_back(problem.prompt);
    if (problem.stop_tokens.empty())
      throw UsageError(fmt::format(
          "[evaluate] every problem that is generated must have \"stop_tokens\", which end its function, found none "
          "in '{}' ({}); add them to the benchmark",
          escaped(problem.name, 60), title_of(problem.language)));
  }
  generation_run("evaluate", flags.model, prompts, generate_options_of(flags.options, problems.front()));
}

std::vector<Completion> generate_completions(const EvaluateFlags& flags, const std::vector<Problem>& problems,
                                             EvaluationFolder& folder) {
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
    check_causality(*model, problems);
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

}  // namespace multipl_moe
