#include "multipl_moe/eval/continued_prompt.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "multipl_moe/io/errors.hpp"

namespace multipl_moe {

namespace {

/// How many tokens may follow a prompt of so many.
std::size_t room_for(const LanguageModel& model, std::size_t prompt, std::size_t prompt_tokens,
                     const GenerateOptions& options) {
  const std::int64_t context = model.config().max_position_embeddings,
                     left = context - static_cast<std::int64_t>(prompt_tokens);
  const std::int64_t wanted =
      options.max_new_tokens.value_or(std::min<std::int64_t>(200, std::max<std::int64_t>(left, 1)));
  if (wanted > left)
    throw UsageError(
        fmt::format("[generate] a prompt and max-new-tokens must fit into the model's max_position_embeddings, {}, "
                    "found {} tokens of prompt {} and {}",
                    context, prompt_tokens, prompt + 1, wanted));
  return static_cast<std::size_t>(wanted);
}

}  // namespace

GenerateSettings::GenerateSettings(const LanguageModel& model, const GenerateOptions& options)
    : sampling{.repetition_penalty = options.repetition_penalty.value_or(1),
               .temperature = options.temperature.value_or(0.8),
               .top_k = options.top_k.value_or(0),
               .top_p = options.top_p.value_or(0.95)},
      end_tokens(options.end_tokens.value_or(std::vector{model.tokenizer()->end_of_text()})) {
  const auto fail = [](const std::string& rule) { throw UsageError("[generate] " + rule); };
  if (options.max_new_tokens.value_or(0) < 0)
    fail("max-new-tokens must not be negative, found " + std::to_string(*options.max_new_tokens));
  if (options.batch_size < 1) fail("batch-size must be above 0, found " + std::to_string(options.batch_size));
  for (const std::string& stop : options.stop)
    if (stop.empty()) fail("a stop text must not be empty");
  check_sampling(sampling);
}

ContinuedPrompt::ContinuedPrompt(const LanguageModel& model, const GenerateSettings& settings,
                                 const GenerateOptions& options, std::size_t number, const std::string& prompt)
    : model_(model),
      settings_(settings),
      number_(number),
      key_{options.seed, static_cast<std::uint32_t>(number), moe::name_hash("generate")},
      fences_(options.language),
      text_(options.stop) {
  const Tokenizer& tokenizer = *model.tokenizer();
  if (prompt.empty()) read(tokenizer.end_of_text());
  for (const Token token : options.special ? tokenizer.encode_with_special(prompt) : tokenizer.encode(prompt))
    read(token);
  most_tokens_ = room_for(model, number, tokens_.size(), options);
}

bool ContinuedPrompt::draw(std::span<float> logits, const GenerationListener& listener) {
  penalise_repetition(logits, read_, settings_.sampling.repetition_penalty);
  const Token token = draw_token(logits, settings_.sampling, moe::random_uniform(key_, result_.tokens.size()));
  result_.tokens.push_back(token);
  if (std::find(settings_.end_tokens.begin(), settings_.end_tokens.end(), token) != settings_.end_tokens.end())
    return end(FinishReason::end_of_text, listener);
  show(text_.add(model_.tokenizer()->decode({&token, 1})), listener);
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
  // A token belongs with what it goes on to: the end of a fence's line already does with the code.
  languages_.push_back(fences_.read(model_.tokenizer()->decode({&token, 1})));
  tokens_.push_back(token);
  read_.insert(token);
}

void ContinuedPrompt::show(const std::string& piece, const GenerationListener& listener) {
  result_.text += piece;
  if (listener.piece && !piece.empty()) listener.piece(number_, piece);
}

}  // namespace multipl_moe
