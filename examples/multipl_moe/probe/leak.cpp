#include "multipl_moe/probe/leak.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numbers>
#include <span>
#include <utility>

#include "multipl_moe/data/evaluation_text.hpp"
#include "multipl_moe/io/counted.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/probe/routing_changes.hpp"
#include "multipl_moe/statistics/paired.hpp"

namespace multipl_moe::probe {

namespace {

/// Most windows of which the routers' decisions are made again: each takes a pass for each of its segments.
constexpr std::int64_t most_routed_again = 16;

constexpr std::uint32_t position_stream = 3;

/// Standard error of the mean of values; 0 for fewer than two.
double error_of(std::span<const double> values) {
  const auto deviation = statistics::deviation_of(values);
  return deviation ? *deviation / std::sqrt(static_cast<double>(values.size())) : 0;
}

/// Scores the windows in batches; use(window, losses, hits) with the values of its tokens.
template <class Use>
void score_windows(const LanguageModel& model, const Windows& windows, std::int64_t sequences, const Use& use) {
  const auto length = static_cast<std::size_t>(windows.length);
  for (std::int64_t first = 0; first < windows.count; first += sequences) {
    const std::int64_t count = std::min(sequences, windows.count - first);
    const auto begin = static_cast<std::size_t>(first) * length, size = static_cast<std::size_t>(count) * length;
    std::vector<Language> languages;
    if (windows.language) languages.assign(static_cast<std::size_t>(count), *windows.language);
    const TokenScores scores = model.score({count, windows.length, std::span(windows.tokens).subspan(begin, size),
                                            std::span(windows.targets).subspan(begin, size), languages});
    for (std::int64_t b = 0; b < count; ++b)
      use(first + b, std::span(scores.losses).subspan(static_cast<std::size_t>(b) * length, length),
          std::span(scores.hits).subspan(static_cast<std::size_t>(b) * length, length));
  }
}

Windows random_windows(const Alphabet& alphabet, const Tokenizer& tokenizer, const LeakOptions& options) {
  const std::string text = random_lines(alphabet, options.lines, options.seed, TextUse::probing);
  const std::vector<Token> tokens = tokenizer.encode(text);
  if (tokens.size() != text.size())
    throw UsageError(
        fmt::format("[probe leak] every letter of the random text must be a token for itself, found {} in {} with {}",
                    counted(tokens.size(), "tokens"), counted(text.size(), "bytes"), described(tokenizer)));
  const std::int64_t count = (std::ssize(tokens) - 1) / options.length;
  if (count == 0)
    throw UsageError(fmt::format("[probe leak] --lines must give a sequence of {}, found {} of {}",
                                 counted(options.length, "tokens"), counted(options.lines, "lines"),
                                 counted(bytes_of_line, "bytes")));
  const auto end = tokens.begin() + count * options.length;
  return {.count = count,
          .length = options.length,
          .tokens = {tokens.begin(), end},
          .targets = {tokens.begin() + 1, end + 1}};
}

RandomScores random_scores(const LanguageModel& model, const Windows& windows, const Alphabet& alphabet,
                           std::int64_t sequences) {
  const Token line_end = model.tokenizer()->encode("\n").front();
  RandomScores scores;
  scores.letters.alphabet = std::ssize(alphabet.letters);
  std::vector<double> accuracies, bits;
  score_windows(model, windows, sequences, [&](std::int64_t window, auto losses, auto hits) {
    const auto targets = windows.targets_of(window);
    double of_window = 0;
    std::int64_t hits_of_window = 0;
    for (std::size_t t = 0; t < targets.size(); ++t) {
      const double of_token = losses[t] / std::numbers::ln2;
      of_window += of_token;
      hits_of_window += hits[t];
      if (targets[t] == line_end) continue;
      ++scores.letters.letters;
      scores.letters.hits += hits[t];
      scores.letters.bits += of_token;
    }
    scores.targets += windows.length;
    scores.hits += hits_of_window;
    scores.bits += of_window;
    accuracies.push_back(static_cast<double>(hits_of_window) / static_cast<double>(windows.length));
    bits.push_back(of_window / static_cast<double>(windows.length));
  });
  scores.accuracy_error = error_of(accuracies);
  scores.bits_error = error_of(bits);
  return scores;
}

/// One position in each of `count` equal parts of the window.
std::vector<std::int64_t> positions_of(std::int64_t length, std::int64_t count, statistics::Draws& draws) {
  if (count == 0 || count > length) count = length;
  std::vector<std::int64_t> positions;
  for (std::int64_t part = 0; part < count; ++part) {
    const std::int64_t begin = part * length / count, end = (part + 1) * length / count;
    positions.push_back(begin + static_cast<std::int64_t>(draws.below(static_cast<std::uint64_t>(end - begin))));
  }
  return positions;
}

/// -log2 p of `target` after the text alone.
double bits_after(const LanguageModel& model, std::span<const Token> text, Token target,
                  const std::optional<Language>& language) {
  const std::vector<std::optional<Language>> languages(language ? text.size() : 0, language);
  const std::vector<float> logits = model.logits_after(text, languages);
  const double most = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (const float logit : logits) sum += std::exp(static_cast<double>(logit) - most);
  return (std::log(sum) + most - static_cast<double>(logits[target])) / std::numbers::ln2;
}

PrefixScores prefix_scores(const LanguageModel& model, const Windows& all, const LeakOptions& options) {
  Windows windows = all;
  windows.count = std::min(all.count, options.windows);
  const Tokenizer& tokenizer = *model.tokenizer();
  statistics::Draws draws(options.seed, position_stream);
  PrefixScores scores;
  std::int64_t bytes = 0;
  std::vector<double> differences;
  score_windows(model, windows, options.sequences, [&](std::int64_t window, auto losses, auto) {
    const auto tokens = windows.tokens_of(window), targets = windows.targets_of(window);
    double difference = 0;
    for (const std::int64_t position : positions_of(windows.length, options.positions, draws)) {
      const auto t = static_cast<std::size_t>(position);
      const double claimed = losses[t] / std::numbers::ln2;
      const double decodable = bits_after(model, tokens.first(t + 1), targets[t], windows.language);
      scores.claimed += claimed;
      scores.decodable += decodable;
      difference += decodable - claimed;
      bytes += tokenizer.byte_length(targets[t]);
      ++scores.tokens;
    }
    differences.push_back(difference);
  });
  const auto per_byte = 1 / static_cast<double>(std::max<std::int64_t>(1, bytes));
  scores.error = error_of(differences) * static_cast<double>(differences.size()) * per_byte;
  scores.claimed *= per_byte;
  scores.decodable *= per_byte;
  return scores;
}

TextLeak leak_of(LanguageModel& model, std::string name, const Windows& windows, const LeakOptions& options) {
  const std::int64_t routed_again = std::min(most_routed_again, options.windows);
  return {.text = std::move(name),
          .prefixes = prefix_scores(model, windows, options),
          .last_half = changes_with_last_half(model, windows, routed_again),
          .neighbors = changes_with_neighbors(model, windows, routed_again, options.sequences)};
}

/// The first windows of the random text.
std::vector<SuffixText> suffix_texts_of(const Windows& windows) {
  std::vector<SuffixText> texts;
  for (std::int64_t window = 0; window < std::min<std::int64_t>(windows.count, 2); ++window) {
    const auto tokens = windows.tokens_of(window), targets = windows.targets_of(window);
    texts.push_back({.name = "random letters",
                     .tokens = {tokens.begin(), tokens.end()},
                     .targets = {targets.begin(), targets.end()}});
  }
  return texts;
}

/// Whether a text of these letters is always cut into its bytes.
bool is_cut_into_letters(const Alphabet& alphabet, const Tokenizer& tokenizer) {
  const std::string all = std::string(alphabet.letters) + "\n";
  for (const char a : all)
    for (const char b : all)
      if (a != '\n' || b != '\n')  // no line is empty
        if (tokenizer.encode(std::string{a, b}).size() != 2) return false;
  return true;
}

}  // namespace

double RandomScores::most_accuracy() const {
  const auto guessed = static_cast<double>(letters.letters) / static_cast<double>(letters.alphabet);
  return (guessed + static_cast<double>(targets - letters.letters)) / static_cast<double>(targets);
}

double RandomScores::least_bits() const {
  return static_cast<double>(letters.letters) * std::log2(static_cast<double>(letters.alphabet)) /
         static_cast<double>(targets);
}

LeakVerdict LeakReport::verdict() const {
  if (surprise(random.letters) >= surprise_of_proof) return LeakVerdict::leaks;
  return causality.changes.changed > 0 ? LeakVerdict::looks_ahead : LeakVerdict::none;
}

Alphabet alphabet_for(const std::string& name, const Tokenizer& tokenizer) {
  for (const Alphabet& alphabet : alphabets) {
    if (!name.empty() && name != alphabet.name) continue;
    if (is_cut_into_letters(alphabet, tokenizer)) return alphabet;
  }
  throw UsageError(
      fmt::format("[probe leak] every {} digit must be a token for itself, found pairs that are one token in {}; {}",
                  name == "hex" ? "hexadecimal" : "decimal", described(tokenizer),
                  name == "hex" ? "use --alphabet decimal"
                                : "what a causal model can know is exact only for letters that are tokens"));
}

LeakReport measure_leak(LanguageModel& model, const LanguageFiles& files, const LeakOptions& options) {
  const Tokenizer& tokenizer = *model.tokenizer();
  LeakReport report{.alphabet = alphabet_for(options.alphabet, tokenizer), .random = {}, .causality = {}, .texts = {}};
  const Windows letters = random_windows(report.alphabet, tokenizer, options);
  report.random = random_scores(model, letters, report.alphabet, options.sequences);
  if (!std::isfinite(report.random.bits))
    throw Failure(fmt::format(
        "[probe leak] the model must predict every token with a probability, found {} bits for random letters; `eval` "
        "shows whether it has learned anything",
        report.random.bits));
  report.causality =
      measure_causality(model, suffix_texts_of(letters), {.sequences = options.sequences, .length = options.length});
  report.texts.push_back(leak_of(model, "random letters", letters, options));
  for (const Language language : all_languages) {
    const auto& file = files[index_of(language)];
    if (!file) continue;
    EvaluationText text = evaluation_text(*file, options.length, {.sequences = options.windows}, tokenizer);
    const Windows windows{.count = text.sequences,
                          .length = text.length,
                          .tokens = std::move(text.tokens),
                          .targets = std::move(text.targets),
                          .language = language};
    report.texts.push_back(leak_of(model, std::string(name_of(language)), windows, options));
  }
  return report;
}

}  // namespace multipl_moe::probe
