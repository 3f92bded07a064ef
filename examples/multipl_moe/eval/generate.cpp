#include "multipl_moe/eval/generate.hpp"

#include <fmt/format.h>

#include <chrono>

#include "multipl_moe/eval/continued_prompt.hpp"
#include "multipl_moe/io/counted.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/model/routing_file.hpp"

namespace multipl_moe {

namespace {

/// Adds its lifetime to a sum of seconds.
class Stopwatch {
 public:
  explicit Stopwatch(double& seconds) : seconds_(seconds) {}
  ~Stopwatch() { seconds_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count(); }
  Stopwatch(const Stopwatch&) = delete;
  Stopwatch& operator=(const Stopwatch&) = delete;

 private:
  double& seconds_;
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

/// Decodes several sequences per step; when one has ended, the next one joins.
class BatchDecoder {
 public:
  BatchDecoder(const LanguageModel& model, const GenerateOptions& options, const GenerationListener& listener,
               GenerationSpeed& speed)
      : decoding_(model.begin_decoding(options.weights)),
        most_(static_cast<std::size_t>(options.batch_size)),
        listener_(listener),
        speed_(speed) {}

  void run(std::span<ContinuedPrompt* const> sequences) {
    for (ContinuedPrompt* sequence : sequences) {
      while (active_.size() == most_) step();
      join(*sequence);
    }
    while (!active_.empty()) step();
  }

 private:
  void join(ContinuedPrompt& sequence) {
    const Stopwatch watch(speed_.prefill_seconds);
    const auto length = static_cast<moe::Index>(sequence.tokens().size());
    if (listener_.routing != nullptr)
      listener_.routing->expect(moe::Batch::single(length), {static_cast<moe::Index>(sequence.number())});
    std::vector<float> logits = decoding_->join(sequence.tokens(), sequence.languages());
    speed_.prefill_tokens += static_cast<std::int64_t>(sequence.tokens().size());
    active_.push_back(&sequence);
    draw(active_.size() - 1, logits);
  }
  void step() {
    const Stopwatch watch(speed_.decode_seconds);
    std::vector<Token> tokens;
    std::vector<std::optional<Language>> languages;
    std::vector<moe::Index> numbers;
    for (const ContinuedPrompt* sequence : active_) {
      numbers.push_back(static_cast<moe::Index>(sequence->number()));
      tokens.push_back(sequence->tokens().back());
      languages.push_back(sequence->languages().back());
    }
    if (listener_.routing != nullptr) listener_.routing->expect(moe::Batch::sequences(std::ssize(numbers), 1), numbers);
    std::vector<float> logits = decoding_->next(tokens, languages);
    speed_.decoded_tokens += static_cast<std::int64_t>(tokens.size());
    draw(0, logits);
  }
  /// Draws a token for each sequence from `first` on and removes those that have ended.
  void draw(std::size_t first, std::span<float> logits) {
    const std::size_t vocabulary = logits.size() / (active_.size() - first);
    std::vector<ContinuedPrompt*> rest(active_.begin(), active_.begin() + static_cast<std::ptrdiff_t>(first));
    std::vector<std::int64_t> kept(first);
    for (std::size_t b = 0; b < first; ++b) kept[b] = static_cast<std::int64_t>(b);
    for (std::size_t b = first; b < active_.size(); ++b)
      if (active_[b]->draw(logits.subspan((b - first) * vocabulary, vocabulary), listener_)) {
        rest.push_back(active_[b]);
        kept.push_back(static_cast<std::int64_t>(b));
      }
    if (kept.size() < active_.size()) decoding_->keep(kept);
    active_ = std::move(rest);
  }

  std::unique_ptr<LanguageModel::Decoding> decoding_;
  std::size_t most_;
  const GenerationListener& listener_;
  GenerationSpeed& speed_;
  std::vector<ContinuedPrompt*> active_;
};

/// For a model that is not causal: a pass over the whole text for each token.
void run_in_whole_passes(const LanguageModel& model, ContinuedPrompt& sequence, const GenerationListener& listener,
                         GenerationSpeed& speed) {
  const auto draw = [&](double& seconds) {
    const Stopwatch watch(seconds);
    std::vector<float> logits = model.logits_after(sequence.tokens(), sequence.languages());
    return sequence.draw(logits, listener);
  };
  speed.prefill_tokens += static_cast<std::int64_t>(sequence.tokens().size());
  bool goes_on = draw(speed.prefill_seconds);
  for (; goes_on; ++speed.decoded_tokens) goes_on = draw(speed.decode_seconds);
}

}  // namespace

void GenerateOptions::fill_from(const GenerationConfig& asked) {
  const auto fill = [](auto& own, const auto& other) {
    if (!own) own = other;
  };
  const auto fill_tokens = [](std::optional<std::vector<Token>>& own, const std::vector<std::int64_t>& other) {
    if (!own && !other.empty()) own.emplace(other.begin(), other.end());
  };
  fill(temperature, asked.do_sample == false ? std::optional<double>(0) : asked.temperature);
  // Greedy decoding does not use top_k and top_p, so that they may have any value.
  if (asked.do_sample != false || temperature != 0) {
    fill(top_k, asked.top_k);
    fill(top_p, asked.top_p);
  }
  fill(repetition_penalty, asked.repetition_penalty);
  fill(no_repeat_ngram_size, asked.no_repeat_ngram_size);
  fill(usual_new_tokens, asked.max_new_tokens);
  fill(usual_length, asked.max_length);
  fill(min_new_tokens, asked.min_new_tokens);
  fill(min_length, asked.min_length);
  fill_tokens(end_tokens, asked.eos_token_id);
  fill_tokens(suppress_tokens, asked.suppress_tokens);
  fill_tokens(begin_suppress_tokens, asked.begin_suppress_tokens);
  if (stop.empty()) stop = asked.stop_strings;
}

std::string_view name_of(FinishReason reason) {
  return reason == FinishReason::stop ? "stop" : reason == FinishReason::length ? "length" : "end_of_text";
}

std::vector<Generated> generate(const LanguageModel& model, std::span<const std::string> prompts,
                                const GenerateOptions& options, const GenerationListener& listener,
                                GenerationSpeed* speed) {
  const GenerateSettings settings(model, options);
  if (!options.seeds.empty() && options.seeds.size() != prompts.size())
    throw UsageError(fmt::format("[generate] seeds must be one for each of {}, found {}",
                                 counted(prompts.size(), "prompts"), options.seeds.size()));
  std::vector<ContinuedPrompt> sequences;
  sequences.reserve(prompts.size());
  for (const std::string& prompt : prompts) sequences.emplace_back(model, settings, options, sequences.size(), prompt);

  GenerationSpeed unasked;
  GenerationSpeed& taken = speed != nullptr ? *speed : unasked;
  std::vector<ContinuedPrompt*> growing;
  for (ContinuedPrompt& sequence : sequences)
    if (sequence.wants_nothing())
      sequence.end(FinishReason::length, listener);
    else
      growing.push_back(&sequence);
  if (!model.is_causal())
    for (ContinuedPrompt* sequence : growing) run_in_whole_passes(model, *sequence, listener, taken);
  else if (!growing.empty())
    BatchDecoder(model, options, listener, taken).run(growing);

  std::vector<Generated> results;
  for (const ContinuedPrompt& sequence : sequences) {
    results.push_back(sequence.result());
    if (listener.routing == nullptr) continue;
    moe::RoutingRecord& record = listener.routing->records()[sequence.number()];
    record.tokens = hash_of_read(sequence.tokens().first(static_cast<std::size_t>(record.rows())));
  }
  return results;
}

Generated generate(const LanguageModel& model, std::string_view prompt, const GenerateOptions& options,
                   const std::function<void(std::string_view)>& emit) {
  GenerationListener listener;
  if (emit) listener.piece = [&emit](std::size_t, std::string_view piece) { emit(piece); };
  const std::string text(prompt);
  return generate(model, {&text, 1}, options, listener).front();
}

}  // namespace multipl_moe
