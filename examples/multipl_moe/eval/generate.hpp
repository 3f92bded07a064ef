/// Text that goes on where prompts end.
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

/// Of a prompt whose length nothing else limits.
inline constexpr std::int64_t default_new_tokens = 200;

/// What is not set is left to whoever is asked next: a flag goes before a file, that before the default.
struct GenerateOptions {
  std::optional<std::int64_t> max_new_tokens{};         ///< [what follows, or fewer where a prompt leaves less]
  std::optional<double> temperature{};                  ///< 0 takes the most probable token [0.8]
  std::optional<std::int64_t> top_k{};                  ///< draws from the so many most probable tokens; 0: all [0]
  std::optional<double> top_p{};                        ///< draws from the fewest tokens with this probability [0.95]
  std::optional<double> repetition_penalty{};           ///< of tokens that were read or drawn before; 1: none [1]
  std::optional<std::vector<Token>> end_tokens{};       ///< tokens that end a text [the tokenizer's end_of_text()]
  std::optional<std::int64_t> min_new_tokens{};         ///< no end_tokens before so many [0]
  std::optional<std::int64_t> no_repeat_ngram_size{};   ///< so many tokens in a row occur once; 0: any may again [0]
  std::optional<std::vector<Token>> suppress_tokens{};  ///< are never drawn [none]
  std::optional<std::vector<Token>> begin_suppress_tokens{};  ///< are not drawn first [none]
  /// What a model asks for where max_new_tokens is not set, cut to what a prompt leaves of the context: so many tokens,
  /// or else so many with the prompt's [200 tokens].
  std::optional<std::int64_t> usual_new_tokens{}, usual_length{};
  std::optional<std::int64_t> min_length{};  ///< as min_new_tokens, with the prompt's, where that is not set [0]
  std::uint64_t seed = 0;                    ///< draws depend on it, on the prompt's number and on the place
  /// Texts that end a text and are no part of it. A special token's name in them is that token too.
  std::vector<std::string> stop{};
  /// Language of the text outside Markdown's code fences; inside, a fence says it. For models that choose by language.
  std::optional<Language> language{};
  bool special = false;         ///< names of special tokens in a prompt are these tokens
  std::int64_t batch_size = 8;  ///< prompts that are decoded together
  DecodingWeights weights = DecodingWeights::bfloat16_where_exact;

  /// Takes what is not set here from how a model asks to be sampled. do_sample false asks for temperature 0, with which
  /// nothing is drawn and top_k and top_p are not taken.
  void fill_from(const GenerationConfig& asked);
};

enum class FinishReason { stop, length, end_of_text };
/// As in --json: stop, length, end_of_text.
std::string_view name_of(FinishReason reason);

/// What follows a prompt, without it.
struct Generated {
  std::string text;           ///< UTF-8; bytes that no character can be made of are U+FFFD
  std::vector<Token> tokens;  ///< all that were drawn, those that ended the text included
  FinishReason finish_reason = FinishReason::length;
};

/// How much was computed in how much time: the pass over each prompt, and the tokens after it.
struct GenerationSpeed {
  std::int64_t prefill_tokens = 0;
  double prefill_seconds = 0;
  std::int64_t decoded_tokens = 0;
  double decode_seconds = 0;
};

/// Told of every prompt's text while it grows; all may be empty.
struct GenerationListener {
  /// The next piece of a prompt's text: whole characters that no stop text can swallow any more.
  std::function<void(std::size_t prompt, std::string_view piece)> piece{};
  /// A prompt's text is complete.
  std::function<void(std::size_t prompt, const Generated& generated)> done{};
  /// Told which tokens of which prompts each pass reads, one sequence a prompt, and at the end whose tokens these were;
  /// its observer must be the model's. For causal models. May be null.
  moe::RoutingRecorder* routing = nullptr;
};

/// What follows each of `prompts`, in their order. An empty prompt is the beginning of a document. A causal model reads
/// a prompt in one pass and then decodes several prompts together, one token of each at a time; a prompt that has ended
/// makes room for the next. Any other model reads the whole text again for each token. Throws UsageError where an
/// option is out of its range, and before anything is computed where a prompt and its text would exceed
/// ModelConfig::longest_text().
std::vector<Generated> generate(const LanguageModel& model, std::span<const std::string> prompts,
                                const GenerateOptions& options, const GenerationListener& listener = {},
                                GenerationSpeed* speed = nullptr);
/// The same for one prompt.
Generated generate(const LanguageModel& model, std::string_view prompt, const GenerateOptions& options,
                   const std::function<void(std::string_view)>& emit = {});

}  // namespace multipl_moe
