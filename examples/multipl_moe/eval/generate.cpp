#include "multipl_moe/eval/generate.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "moe/core/random.hpp"
#include "multipl_moe/data/fences.hpp"
#include "multipl_moe/io/errors.hpp"

namespace multipl_moe {

namespace {

void check(const GenerateOptions& options) {
  const auto fail = [](const std::string& rule) { throw UsageError("[generate] " + rule); };
  if (options.max_new_tokens < 0)
    fail("max-new-tokens must not be negative, found " + std::to_string(options.max_new_tokens));
  if (!(options.temperature >= 0) || !std::isfinite(options.temperature))
    fail("temperature must be 0 or positive, found " + std::to_string(options.temperature));
  if (!(options.top_p > 0 && options.top_p <= 1))
    fail("top-p must lie in (0, 1], found " + std::to_string(options.top_p));
  for (const std::string& stop : options.stop)
    if (stop.empty()) fail("a stop text must not be empty");
}

/// Logits after each token, by decoding where the model can and by whole passes where it cannot.
class Reader {
 public:
  Reader(const LanguageModel& model, std::optional<Language> outside_fences) : model_(model), fences_(outside_fences) {
    if (model.is_causal()) decoding_ = model.begin_decoding();
  }
  void read(Token token) {
    // A token belongs with what it goes on to: the end of a fence's line already does with the code.
    const auto language = fences_.read(model_.tokenizer()->decode({&token, 1}));
    text_.push_back(token);
    languages_.push_back(language);
    if (decoding_) logits_ = decoding_->next(token, language);
  }
  std::vector<float> logits() const { return decoding_ ? logits_ : model_.logits_after(text_, languages_); }

 private:
  const LanguageModel& model_;
  FenceReader fences_;
  std::unique_ptr<LanguageModel::Decoding> decoding_;
  std::vector<Token> text_;
  std::vector<std::optional<Language>> languages_;
  std::vector<float> logits_;
};

std::size_t first_stop(const std::string& text, const std::vector<std::string>& stops) {
  std::size_t first = std::string::npos;
  for (const std::string& stop : stops) first = std::min(first, text.find(stop));
  return first;
}

/// How much of `text` may be shown: all but a tail that could still grow into a stop text.
std::size_t settled(const std::string& text, const std::vector<std::string>& stops) {
  std::size_t open = 0;
  for (const std::string& stop : stops)
    for (std::size_t n = std::min(text.size(), stop.size() - 1); n > open; --n)
      if (text.ends_with(std::string_view(stop).substr(0, n))) open = n;
  return text.size() - open;
}

}  // namespace

Token sample(std::vector<float> logits, double temperature, double top_p, double uniform) {
  std::vector<Token> order(logits.size());
  std::iota(order.begin(), order.end(), Token{0});
  std::stable_sort(order.begin(), order.end(), [&](Token a, Token b) { return logits[a] > logits[b]; });
  if (!std::all_of(logits.begin(), logits.end(), [](float logit) { return std::isfinite(logit); }))
    throw NonFinite("[generate] the model's logits must be finite; its weights may not be");
  if (temperature == 0) return order.front();
  std::vector<double> weight(order.size());
  double total = 0;
  for (std::size_t i = 0; i < order.size(); ++i)
    total += weight[i] =
        std::exp((static_cast<double>(logits[order[i]]) - static_cast<double>(logits[order[0]])) / temperature);
  std::size_t kept = 0;
  double mass = 0;
  while (kept < order.size() && mass < top_p * total) mass += weight[kept++];
  double target = uniform * mass;
  for (std::size_t i = 0; i + 1 < kept; ++i)
    if ((target -= weight[i]) < 0) return order[i];
  return order[kept - 1];
}

std::string generate(const LanguageModel& model, std::string_view prompt, const GenerateOptions& options,
                     const std::function<void(std::string_view)>& emit) {
  check(options);
  Reader reader(model, options.language);
  const Tokenizer& tokenizer = *model.tokenizer();
  if (prompt.empty()) reader.read(tokenizer.end_of_text());
  for (const Token token : tokenizer.encode(prompt)) reader.read(token);

  std::string text;
  std::size_t shown = 0;
  const auto show = [&](std::size_t end) {
    if (emit && end > shown) emit(std::string_view(text).substr(shown, end - shown));
    shown = std::max(shown, end);
  };
  for (std::int64_t n = 0; n < options.max_new_tokens; ++n) {
    const double uniform =
        moe::random_uniform({options.seed, 0, moe::name_hash("generate")}, static_cast<std::uint64_t>(n));
    const Token token = sample(reader.logits(), options.temperature, options.top_p, uniform);
    if (token == tokenizer.end_of_text()) break;
    text += tokenizer.decode({&token, 1});
    if (const std::size_t stop = first_stop(text, options.stop); stop != std::string::npos) {
      text.resize(stop);
      break;
    }
    show(settled(text, options.stop));
    if (n + 1 < options.max_new_tokens) reader.read(token);
  }
  show(text.size());
  return text;
}

}  // namespace multipl_moe
