#include "multipl_moe/eval/complete_problems.hpp"

#include <map>
#include <string>

#include "multipl_moe/io/hash.hpp"

namespace multipl_moe {

using benchmark::Completion;
using benchmark::Problem;

namespace {

std::uint64_t seed_of(const Problem& problem, std::int64_t sample, std::uint64_t seed) {
  const std::uint64_t of_language = hash_of(name_of(problem.language));
  return hash_of(problem.name, hash_of_numbers({seed, static_cast<std::uint64_t>(sample), of_language}));
}

/// Whether the model can read the prompt and generate a token.
bool has_room(const LanguageModel& model, const std::string& prompt) {
  return static_cast<std::int64_t>(model.tokenizer()->encode(prompt).size()) < model.config().longest_text();
}

void add_speed(GenerationSpeed& sum, const GenerationSpeed& part) {
  sum.prefill_tokens += part.prefill_tokens;
  sum.prefill_seconds += part.prefill_seconds;
  sum.decoded_tokens += part.decoded_tokens;
  sum.decode_seconds += part.decode_seconds;
}

}  // namespace

GenerateOptions generate_options_of(const CompletionOptions& options, const Problem& problem) {
  GenerateOptions result;
  result.temperature = options.temperature;
  result.top_p = options.top_p;
  // A benchmark's settings are complete: those of the model's generation_config.json are not taken.
  result.top_k = 0;
  result.repetition_penalty = 1;
  // Unlike max_new_tokens, this limit is cut to the context.
  result.usual_new_tokens = options.max_new_tokens;
  result.end_tokens = options.end_tokens;
  result.stop = problem.stop_tokens;
  result.language = problem.language;
  result.batch_size = options.batch_size;
  result.weights = options.weights;
  return result;
}

std::int64_t complete_problems(const LanguageModel& model, std::span<const Problem> problems,
                               std::span<const WantedSample> wanted, const CompletionOptions& options,
                               const CompletionListener& listener, GenerationSpeed& speed) {
  // Options are the same for all prompts of a call.
  std::map<std::pair<Language, std::vector<std::string>>, std::vector<WantedSample>> groups;
  std::map<std::size_t, bool> fits;
  std::int64_t without_room = 0;
  for (const auto& [problem, sample] : wanted) {
    const auto [known, is_new] = fits.try_emplace(problem, false);
    if (is_new) known->second = has_room(model, problems[problem].prompt);
    if (known->second) {
      groups[{problems[problem].language, problems[problem].stop_tokens}].emplace_back(problem, sample);
      continue;
    }
    ++without_room;
    listener.done({problem, sample, "", std::string(name_of(FinishReason::length)), 0});
  }
  for (const auto& entry : groups) {
    const std::vector<WantedSample>& group = entry.second;
    GenerateOptions generate_options = generate_options_of(options, problems[group.front().first]);
    std::vector<std::string> prompts;
    for (const auto& [problem, sample] : group) {
      prompts.push_back(problems[problem].prompt);
      generate_options.seeds.push_back(seed_of(problems[problem], sample, options.seed));
    }
    GenerationListener generation;
    generation.piece = [&](std::size_t, std::string_view) { listener.tick(); };
    generation.done = [&](std::size_t i, const Generated& generated) {
      listener.tick();
      listener.done({group[i].first, group[i].second, generated.text, std::string(name_of(generated.finish_reason)),
                     static_cast<std::int64_t>(generated.tokens.size())});
    };
    GenerationSpeed part;
    generate(model, prompts, generate_options, generation, &part);
    add_speed(speed, part);
  }
  return without_room;
}

}  // namespace multipl_moe
