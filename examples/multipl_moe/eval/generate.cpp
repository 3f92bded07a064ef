#include "multipl_moe/eval/generate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <unordered_set>

#include "moe/core/random.hpp"
#include "multipl_moe/data/fences.hpp"
#include "multipl_moe/eval/growing_text.hpp"
#include "multipl_moe/eval/sampling.hpp"
#include "multipl_moe/io/errors.hpp"

namespace multipl_moe {

namespace {

/// Options with every gap filled. Beside it room_for() fills max_new_tokens, of which every prompt has its own.
struct Settings {
  Sampling sampling;
  std::vector<Token> end_tokens;
};

Settings settings_of(const LanguageModel& model, const GenerateOptions& options) {
  const auto fail = [](const std::string& rule) { throw UsageError("[generate] " + rule); };
  if (options.max_new_tokens.value_or(0) < 0)
    fail("max-new-tokens must not be negative, found " + std::to_string(*options.max_new_tokens));
  if (options.batch_size < 1) fail("batch-size must be above 0, found " + std::to_string(options.batch_size));
  for (const std::string& stop : options.stop)
    if (stop.empty()) fail("a stop text must not be empty");
  Settings settings{.sampling = {.repetition_penalty = options.repetition_penalty.value_or(1),
                                 .temperature = options.temperature.value_or(0.8),
                                 .top_k = options.top_k.value_or(0),
                                 .top_p = options.top_p.value_or(0.95)},
                    .end_tokens = options.end_tokens.value_or(std::vector{model.tokenizer()->end_of_text()})};
  check_sampling(settings.sampling);
  return settings;
}

/// How many tokens may follow a prompt of so many. Throws UsageError where the context has no room for them.
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

/// A prompt and what follows it.
class Sequence {
 public:
  Sequence(const LanguageModel& model, const Settings& settings, const GenerateOptions& options, std::size_t number,
           const std::string& prompt)
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

  std::size_t number() const { return number_; }
  std::span<const Token> tokens() const { return tokens_; }
  std::span<const std::optional<Language>> languages() const { return languages_; }
  /// Whether no token is to be drawn from the first.
  bool is_empty() const { return most_tokens_ == 0; }
  const Generated& result() const { return result_; }

  /// Draws the next token. False where the text has ended with it.
  bool draw(std::span<float> logits, const GenerationListener& listener) {
    penalise_repetition(logits, read_, settings_.sampling.repetition_penalty);
    const double uniform = moe::random_uniform(key_, result_.tokens.size());
    const Token token = draw_token(logits, settings_.sampling, uniform);
    result_.tokens.push_back(token);
    if (std::find(settings_.end_tokens.begin(), settings_.end_tokens.end(), token) != settings_.end_tokens.end())
      return end(FinishReason::end_of_text, listener);
    show(text_.add(model_.tokenizer()->decode({&token, 1})), listener);
    if (text_.has_stopped()) return end(FinishReason::stop, listener);
    if (result_.tokens.size() == most_tokens_) return end(FinishReason::length, listener);
    read(token);
    return true;
  }
  /// The text ends here.
  bool end(FinishReason reason, const GenerationListener& listener) {
    show(text_.finish(), listener);
    result_.finish_reason = reason;
    if (listener.done) listener.done(number_, result_);
    return false;
  }

 private:
  void read(Token token) {
    // A token belongs with what it goes on to: the end of a fence's line already does with the code.
    languages_.push_back(fences_.read(model_.tokenizer()->decode({&token, 1})));
    tokens_.push_back(token);
    read_.insert(token);
  }
  void show(const std::string& piece, const GenerationListener& listener) {
    result_.text += piece;
    if (listener.piece && !piece.empty()) listener.piece(number_, piece);
  }

  const LanguageModel& model_;
  const Settings& settings_;
  std::size_t number_;
  moe::RandomKey key_;
  FenceReader fences_;
  std::unordered_set<Token> read_;
  GrowingText text_;
  std::vector<Token> tokens_;
  std::vector<std::optional<Language>> languages_;
  std::size_t most_tokens_ = 0;
  Generated result_;
};

/// Adds the time of its life to a sum.
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

/// Several sequences a step; the next one joins when one has ended.
class BatchDecoder {
 public:
  BatchDecoder(const LanguageModel& model, const GenerateOptions& options, const GenerationListener& listener,
               GenerationSpeed& speed)
      : decoding_(model.begin_decoding(options.weights)),
        most_(static_cast<std::size_t>(options.batch_size)),
        listener_(listener),
        speed_(speed) {}

  void run(std::span<Sequence* const> sequences) {
    for (Sequence* sequence : sequences) {
      while (active_.size() == most_) step();
      join(*sequence);
    }
    while (!active_.empty()) step();
  }

 private:
  void join(Sequence& sequence) {
    const Stopwatch watch(speed_.prefill_seconds);
    std::vector<float> logits = decoding_->join(sequence.tokens(), sequence.languages());
    speed_.prefill_tokens += static_cast<std::int64_t>(sequence.tokens().size());
    active_.push_back(&sequence);
    draw(active_.size() - 1, logits);
  }
  void step() {
    const Stopwatch watch(speed_.decode_seconds);
    std::vector<Token> tokens;
    std::vector<std::optional<Language>> languages;
    for (const Sequence* sequence : active_) {
      tokens.push_back(sequence->tokens().back());
      languages.push_back(sequence->languages().back());
    }
    std::vector<float> logits = decoding_->next(tokens, languages);
    speed_.decoded_tokens += static_cast<std::int64_t>(tokens.size());
    draw(0, logits);
  }
  /// A token for each sequence from `first` on; those that have ended leave.
  void draw(std::size_t first, std::span<float> logits) {
    const std::size_t vocabulary = logits.size() / (active_.size() - first);
    std::vector<Sequence*> rest(active_.begin(), active_.begin() + static_cast<std::ptrdiff_t>(first));
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
  std::vector<Sequence*> active_;
};

/// For a model that looks ahead: a pass over the whole text for each token.
void run_in_whole_passes(const LanguageModel& model, Sequence& sequence, const GenerationListener& listener,
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

void GenerateOptions::fill_from(const GenerateOptions& file) {
  const auto fill = [](auto& own, const auto& other) {
    if (!own) own = other;
  };
  fill(max_new_tokens, file.max_new_tokens);
  fill(temperature, file.temperature);
  fill(top_k, file.top_k);
  fill(top_p, file.top_p);
  fill(repetition_penalty, file.repetition_penalty);
  fill(end_tokens, file.end_tokens);
}

std::string_view name_of(FinishReason reason) {
  return reason == FinishReason::stop ? "stop" : reason == FinishReason::length ? "length" : "end_of_text";
}

std::vector<Generated> generate(const LanguageModel& model, std::span<const std::string> prompts,
                                const GenerateOptions& options, const GenerationListener& listener,
                                GenerationSpeed* speed) {
  const Settings settings = settings_of(model, options);
  std::vector<Sequence> sequences;
  sequences.reserve(prompts.size());
  for (const std::string& prompt : prompts) sequences.emplace_back(model, settings, options, sequences.size(), prompt);

  GenerationSpeed unasked;
  GenerationSpeed& taken = speed != nullptr ? *speed : unasked;
  std::vector<Sequence*> growing;
  for (Sequence& sequence : sequences)
    if (sequence.is_empty())
      sequence.end(FinishReason::length, listener);
    else
      growing.push_back(&sequence);
  if (!model.is_causal())
    for (Sequence* sequence : growing) run_in_whole_passes(model, *sequence, listener, taken);
  else if (!growing.empty())
    BatchDecoder(model, options, listener, taken).run(growing);

  std::vector<Generated> results;
  for (const Sequence& sequence : sequences) results.push_back(sequence.result());
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
