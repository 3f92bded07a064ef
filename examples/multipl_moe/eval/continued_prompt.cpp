#include "multipl_moe/eval/continued_prompt.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "multipl_moe/io/counted.hpp"
#include "multipl_moe/io/errors.hpp"

namespace multipl_moe {

namespace {

/// Number of new tokens by the model's own defaults, for a prompt without --max-new-tokens.
std::int64_t usual_tokens(std::size_t prompt, std::int64_t prompt_tokens, const GenerateOptions& options) {
  if (options.usual_new_tokens || !options.usual_length) return options.usual_new_tokens.value_or(default_new_tokens);
  if (*options.usual_length <= prompt_tokens)
    throw UsageError(
        fmt::format("[generate] a prompt must be shorter than the model's max_length, {}, found {} in prompt {}; "
                    "--max-new-tokens overrides max_length",
                    *options.usual_length, counted(prompt_tokens, "tokens"), prompt + 1));
  return *options.usual_length - prompt_tokens;
}

/// Maximum number of new tokens after a prompt of `prompt_tokens` tokens.
std::size_t room_for(const LanguageModel& model, std::size_t prompt, std::int64_t prompt_tokens,
                     const GenerateOptions& options) {
  const std::int64_t context = model.config().longest_text(), left = context - prompt_tokens;
  const std::int64_t wanted =
      options.max_new_tokens ? *options.max_new_tokens
                             : std::min(usual_tokens(prompt, prompt_tokens, options), std::max<std::int64_t>(left, 1));
  if (wanted > left)
    throw UsageError(
        fmt::format("[generate] a prompt and max-new-tokens must fit into the model's {}max_position_embeddings, {}, "
                    "found {} of prompt {} and {}",
                    context > model.config().max_position_embeddings ? "factor * " : "", context,
                    counted(prompt_tokens, "tokens"), prompt + 1, wanted));
  return static_cast<std::size_t>(wanted);
}

moe::RandomKey draw_key(const GenerateOptions& options, std::size_t number) {
  const std::uint32_t name = moe::name_hash("generate");
  if (options.seeds.empty()) return {options.seed, static_cast<std::uint32_t>(number), name};
  return {options.seeds[number], 0, name};
}

/// Adds a stop text as bytes and, if it holds names of special tokens, also with these tokens in their place.
void add_stops(const Tokenizer& tokenizer, std::string_view text, std::vector<StopText>& stops) {
  StopText with_signals;
  for (const TextPart& part : tokenizer.split_at_special(text))
    with_signals += part.special ? StopText(1, signal_of(*part.special)) : stop_of_bytes(part.text);
  stops.push_back(stop_of_bytes(text));
  if (with_signals != stops.back()) stops.push_back(std::move(with_signals));
}

}  // namespace

GenerateSettings::GenerateSettings(const LanguageModel& model, const GenerateOptions& options)
    : sampling{.repetition_penalty = options.repetition_penalty.value_or(1),
               .temperature = options.temperature.value_or(0.8),
               .top_k = options.top_k.value_or(0),
               .top_p = options.top_p.value_or(0.95)},
      end_tokens(options.end_tokens.value_or(std::vector{model.tokenizer()->end_of_text()})),
      suppress_tokens(options.suppress_tokens.value_or(std::vector<Token>{})),
      begin_suppress_tokens(options.begin_suppress_tokens.value_or(std::vector<Token>{})),
      no_repeat_ngram_size(static_cast<std::size_t>(options.no_repeat_ngram_size.value_or(0))) {
  const auto fail = [](const std::string& rule) { throw UsageError("[generate] " + rule); };
  if (options.max_new_tokens.value_or(0) < 0)
    fail("max-new-tokens must not be negative, found " + std::to_string(*options.max_new_tokens));
  if (options.batch_size < 1) fail("batch-size must be above 0, found " + std::to_string(options.batch_size));
  for (const std::string& stop : options.stop)
    if (stop.empty()) fail("a stop text must not be empty");
  for (const auto& [name, count] : {std::pair("min-new-tokens", options.min_new_tokens),
                                    std::pair("no-repeat-ngram-size", options.no_repeat_ngram_size)})
    if (count.value_or(0) < 0) fail(fmt::format("{} must not be negative, found {}", name, *count));
  for (const auto& [name, tokens] :
       {std::pair("suppress-tokens", &suppress_tokens), std::pair("begin-suppress-tokens", &begin_suppress_tokens)})
    for (const Token token : *tokens)
      if (token >= model.config().vocab_size)
        fail(fmt::format("{} must be below the model's vocab_size, {}, found {}", name, model.config().vocab_size,
                         token));
  for (const std::string& stop : options.stop) add_stops(*model.tokenizer(), stop, stops);
  check_sampling(sampling);
}

ContinuedPrompt::ContinuedPrompt(const LanguageModel& model, const GenerateSettings& settings,
                                 const GenerateOptions& options, std::size_t number, const std::string& prompt)
    : model_(model),
      settings_(settings),
      number_(number),
      key_{draw_key(options, number)},
      fences_(options.language),
      text_(settings.stops) {
  const Tokenizer& tokenizer = *model.tokenizer();
  if (prompt.empty()) read(tokenizer.end_of_text());
  for (const Token token : options.special ? tokenizer.encode_with_special(prompt) : tokenizer.encode(prompt))
    read(token);
  const auto read_tokens = static_cast<std::int64_t>(tokens_.size());
  most_tokens_ = room_for(model, number, read_tokens, options);
  least_tokens_ = static_cast<std::size_t>(
      options.min_new_tokens.value_or(std::max<std::int64_t>(options.min_length.value_or(0) - read_tokens, 0)));
}

bool ContinuedPrompt::draw(std::span<float> logits, const GenerationListener& listener) {
  require_finite(logits);
  penalize_repetition(logits, read_, settings_.sampling.repetition_penalty);
  restrict(logits);
  const Token token = draw_token(logits, settings_.sampling, moe::random_uniform(key_, result_.tokens.size()));
  result_.tokens.push_back(token);
  if (std::find(settings_.end_tokens.begin(), settings_.end_tokens.end(), token) != settings_.end_tokens.end())
    return end(FinishReason::end_of_text, listener);
  const std::string said = model_.tokenizer()->decode({&token, 1});
  show(said.empty() ? text_.add_signal(token) : text_.add(said), listener);
  if (text_.has_stopped()) return end(FinishReason::stop, listener);
  if (result_.tokens.size() == most_tokens_) return end(FinishReason::length, listener);
  read(token);
  return true;
}

bool ContinuedPrompt::end(FinishReason reason, const GenerationListener& listener) {
  show(text_.finish(), listener);
  result_.finish_reason = reason;
  if (listener.done) listener.done(number_, result_);
  return false;
}

void ContinuedPrompt::read(Token token) {
  // A token has the language of the text after it: the end of a fence's line already has that of the code.
  languages_.push_back(fences_.read(model_.tokenizer()->decode({&token, 1})));
  tokens_.push_back(token);
  read_.insert(token);
}

void ContinuedPrompt::restrict(std::span<float> logits) const {
  forbid(logits, settings_.suppress_tokens);
  if (result_.tokens.empty()) forbid(logits, settings_.begin_suppress_tokens);
  if (result_.tokens.size() < least_tokens_) forbid(logits, settings_.end_tokens);
  forbid_repeated(logits, tokens_, settings_.no_repeat_ngram_size);
}

void ContinuedPrompt::show(const std::string& piece, const GenerationListener& listener) {
  result_.text += piece;
  if (listener.piece && !piece.empty()) listener.piece(number_, piece);
}

}  // namespace multipl_moe
