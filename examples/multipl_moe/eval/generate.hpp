/// Text generation: continues prompts.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "moe/core/routing_recorder.hpp"
#include "multipl_moe/model/language_model.hpp"

namespace multipl_moe {

/// Default number of new tokens, for a prompt whose length nothing else limits.
inline constexpr std::int64_t default_new_tokens = 200;

/// An option that is not set by a flag is taken from the model's generation_config.json, else it has the default in [].
struct GenerateOptions {
  std::optional<std::int64_t> max_new_tokens{};         ///< [usual_new_tokens or usual_length, as far as they fit]
  std::optional<double> temperature{};                  ///< 0: take the most probable token [0.8]
  std::optional<std::int64_t> top_k{};                  ///< draw from the k most probable tokens; 0: all [0]
  std::optional<double> top_p{};                        ///< draw from the fewest tokens with this probability [0.95]
  std::optional<double> repetition_penalty{};           ///< penalty of tokens already read or drawn; 1: none [1]
  std::optional<std::vector<Token>> end_tokens{};       ///< tokens that end a text [the tokenizer's end_of_text()]
  std::optional<std::int64_t> min_new_tokens{};         ///< number of new tokens before end_tokens are allowed [0]
  std::optional<std::int64_t> no_repeat_ngram_size{};   ///< n-grams of this size occur at most once; 0: no limit [0]
  std::optional<std::vector<Token>> suppress_tokens{};  ///< tokens that are never drawn [none]
  std::optional<std::vector<Token>> begin_suppress_tokens{};  ///< tokens that are not drawn first [none]
  /// The model's limits if max_new_tokens is not set: number of new tokens, or else of prompt and new tokens together;
  /// cut to the context that the prompt leaves [200 new tokens].
  std::optional<std::int64_t> usual_new_tokens{}, usual_length{};
  std::optional<std::int64_t> min_length{};  ///< minimum of prompt and new tokens, if min_new_tokens is not set [0]
  std::uint64_t seed = 0;                    ///< key of the draws, with the prompt's number and the token's position
  std::vector<std::uint64_t> seeds{};        ///< one for each prompt, in place of `seed` and its number; or none
  /// Stop texts: they end a text and are not part of it. The name of a special token in them also stands for that
  /// token.
  std::vector<std::string> stop{};
  /// Language of the text outside Markdown's code fences; inside, the fence names it. For models that route by
  /// language.
  std::optional<Language> language{};
  bool special = false;         ///< whether names of special tokens in a prompt become these tokens
  std::int64_t batch_size = 8;  ///< number of prompts that are decoded together
  DecodingWeights weights = DecodingWeights::bfloat16_where_exact;

  /// Sets unset options to the model's defaults. do_sample false means temperature 0: greedy decoding, for which top_k
  /// and top_p are not taken.
  void fill_from(const GenerationConfig& asked);
};

enum class FinishReason { stop, length, end_of_text };
/// The name in the output of --json: stop, length, end_of_text.
std::string_view name_of(FinishReason reason);

/// The continuation of a prompt, without the prompt.
struct Generated {
  std::string text;           ///< UTF-8; bytes that are no valid character become U+FFFD
  std::vector<Token> tokens;  ///< all tokens drawn, including those that ended the text
  FinishReason finish_reason = FinishReason::length;
};

/// Tokens and seconds of prefill (the passes over the prompts) and of decoding.
struct GenerationSpeed {
  std::int64_t prefill_tokens = 0;
  double prefill_seconds = 0;
  std::int64_t decoded_tokens = 0;
  double decode_seconds = 0;
};

/// Callbacks during generation; all may be empty.
struct GenerationListener {
  /// Called with the next piece of a prompt's text: complete characters that cannot become part of a stop text.
  std::function<void(std::size_t prompt, std::string_view piece)> piece{};
  /// Called when a prompt's text is complete.
  std::function<void(std::size_t prompt, const Generated& generated)> done{};
  /// Records the expert choices, one sequence per prompt: it is called with the batch of each pass, and at the end its
  /// records get the hashes of their tokens. Its observer must be set on the model. Causal models only. May be null.
  moe::RoutingRecorder* routing = nullptr;
};

/// Continues each of `prompts`, in order. An empty prompt is the beginning of a document. A causal model reads a prompt
/// in one pass and then decodes several prompts together, one token of each at a time; when a prompt has ended, the
/// next one joins. Any other model reads the whole text again for each token. Throws UsageError if an option is out of
/// range or, before anything is computed, if a prompt and its continuation would exceed ModelConfig::longest_text().
std::vector<Generated> generate(const LanguageModel& model, std::span<const std::string> prompts,
                                const GenerateOptions& options, const GenerationListener& listener = {},
                                GenerationSpeed* speed = nullptr);
/// The same for one prompt.
Generated generate(const LanguageModel& model, std::string_view prompt, const GenerateOptions& options,
                   const std::function<void(std::string_view)>& emit = {});

}  // namespace multipl_moe
