/// Generates completions of a benchmark's problems.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "multipl_moe/benchmark/completion_file.hpp"
#include "multipl_moe/eval/generate.hpp"

namespace multipl_moe {

struct CompletionOptions {
  double temperature = 0, top_p = 0.95;
  std::int64_t max_new_tokens = 512;  ///< cut to the context that the prompt leaves
  std::uint64_t seed = 0;
  std::int64_t batch_size = 8;
  DecodingWeights weights = DecodingWeights::bfloat16_where_exact;
  std::optional<std::vector<Token>> end_tokens{};  ///< as in GenerateOptions
};

/// A problem's index and a sample's number.
using WantedSample = std::pair<std::size_t, std::int64_t>;

struct CompletionListener {
  /// Called with each completion, in the order in which they end.
  std::function<void(benchmark::Completion)> done{};
  /// Called at least once for each completion while it grows; what it throws ends the generation.
  std::function<void()> tick{};
};

/// Completes the prompts of `wanted`. What is drawn depends on the seed, the problem's language and name and the
/// sample's number, not on the other problems, their order or the batch. Completions end before the problem's stop
/// texts. A prompt that leaves no room in the model's context gets an empty completion whose finish reason is length;
/// returns the number of such completions. Throws as generate().
std::int64_t complete_problems(const LanguageModel& model, std::span<const benchmark::Problem> problems,
                               std::span<const WantedSample> wanted, const CompletionOptions& options,
                               const CompletionListener& listener, GenerationSpeed& speed);

/// The options with which a prompt of the language is continued.
GenerateOptions generate_options_of(const CompletionOptions& options, const benchmark::Problem& problem);

}  // namespace multipl_moe
