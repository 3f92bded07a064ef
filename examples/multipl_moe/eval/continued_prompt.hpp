/// One prompt and its continuation, token by token.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <unordered_set>
#include <vector>

#include "moe/core/random.hpp"
#include "multipl_moe/data/fences.hpp"
#include "multipl_moe/eval/generate.hpp"
#include "multipl_moe/eval/growing_text.hpp"
#include "multipl_moe/eval/sampling.hpp"

namespace multipl_moe {

/// GenerateOptions with defaults for unset options, except max_new_tokens, whose default depends on the prompt.
struct GenerateSettings {
  Sampling sampling;
  std::vector<Token> end_tokens, suppress_tokens, begin_suppress_tokens;
  std::size_t no_repeat_ngram_size = 0;
  std::vector<StopText> stops;

  /// Throws UsageError if an option is out of range.
  GenerateSettings(const LanguageModel& model, const GenerateOptions& options);
};

class ContinuedPrompt {
 public:
  /// Prompt `number` of a run, counted from 0. Model and settings must outlive the object. Throws UsageError if the
  /// prompt and its continuation do not fit into the context.
  ContinuedPrompt(const LanguageModel& model, const GenerateSettings& settings, const GenerateOptions& options,
                  std::size_t number, const std::string& prompt);

  /// The tokens for the model to read: the prompt and the tokens drawn since, except a last one that ended the text.
  std::span<const Token> tokens() const { return tokens_; }
  /// The language of each of tokens().
  std::span<const std::optional<Language>> languages() const { return languages_; }
  /// Whether no new token was requested.
  bool wants_nothing() const { return most_tokens_ == 0; }
  /// The prompt's number in the run.
  std::size_t number() const { return number_; }
  const Generated& result() const { return result_; }

  /// Draws the next token from the logits after tokens(), which are modified. Returns false if it ends the text.
  bool draw(std::span<float> logits, const GenerationListener& listener);
  /// Ends the text. Returns false.
  bool end(FinishReason reason, const GenerationListener& listener);

 private:
  void read(Token token);
  /// Masks the logits of tokens that must not come next.
  void restrict(std::span<float> logits) const;
  void show(const std::string& piece, const GenerationListener& listener);

  const LanguageModel& model_;
  const GenerateSettings& settings_;
  std::size_t number_;
  moe::RandomKey key_;
  FenceReader fences_;
  GrowingText text_;
  std::vector<Token> tokens_;
  std::vector<std::optional<Language>> languages_;
  std::unordered_set<Token> read_;
  std::size_t least_tokens_ = 0, most_tokens_ = 0;
  Generated result_;
};

}  // namespace multipl_moe
