/// One prompt and the text that follows it, token by token.
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

/// Options with every gap filled: here are the defaults. Only max_new_tokens has one of its own for every prompt.
struct GenerateSettings {
  Sampling sampling;
  std::vector<Token> end_tokens, suppress_tokens, begin_suppress_tokens;
  std::size_t no_repeat_ngram_size = 0;
  std::vector<StopText> stops;

  /// Throws UsageError where an option is out of its range.
  GenerateSettings(const LanguageModel& model, const GenerateOptions& options);
};

class ContinuedPrompt {
 public:
  /// The prompt `number` of a run. What is handed over must outlive the object. Throws UsageError where the context has
  /// no room for the prompt and what is to follow.
  ContinuedPrompt(const LanguageModel& model, const GenerateSettings& settings, const GenerateOptions& options,
                  std::size_t number, const std::string& prompt);

  /// What the model is to read: the prompt, and the tokens drawn since but for a last one that ended the text.
  std::span<const Token> tokens() const { return tokens_; }
  /// The language of each of them.
  std::span<const std::optional<Language>> languages() const { return languages_; }
  /// Whether no token is to be drawn at all.
  bool wants_nothing() const { return most_tokens_ == 0; }
  /// Its number in the run.
  std::size_t number() const { return number_; }
  const Generated& result() const { return result_; }

  /// Draws the next token from the logits after tokens(), and changes them. False where the text has ended with it.
  bool draw(std::span<float> logits, const GenerationListener& listener);
  /// The text ends here. False.
  bool end(FinishReason reason, const GenerationListener& listener);

 private:
  void read(Token token);
  /// Takes tokens that must not come next out of the logits.
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
