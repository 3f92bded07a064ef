/// Sampling text from a model.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "multipl_moe/model/language_model.hpp"

namespace multipl_moe {

struct GenerateOptions {
  std::int64_t max_new_tokens = 200;
  double temperature = 0.8;  ///< 0 takes the most probable token
  double top_p = 0.95;       ///< the smallest set of tokens with this probability is drawn from
  std::uint64_t seed = 0;
  std::vector<std::string> stop;  ///< texts that end the output and are not part of it
  /// Language of the text outside Markdown's code fences; inside, a fence says it. For models that choose by language.
  std::optional<Language> language{};
};

/// The text that follows `prompt`, without it. `emit` receives it piece by piece as soon as no stop text can swallow
/// it. A causal model is decoded one token at a time, any other by a full pass for each token. Throws UsageError where
/// an option is out of its range.
std::string generate(const LanguageModel& model, std::string_view prompt, const GenerateOptions& options,
                     const std::function<void(std::string_view)>& emit = {});

/// A token drawn from logits; `uniform` in (0, 1). Among equals the lower token comes first.
/// Throws NonFinite where a logit is not finite.
Token sample(std::vector<float> logits, double temperature, double top_p, double uniform);

}  // namespace multipl_moe
