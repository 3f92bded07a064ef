#include "multipl_moe/eval/evaluate.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <numbers>
#include <optional>
#include <span>
#include <vector>

#include "multipl_moe/model/run_ranks.hpp"

namespace multipl_moe {

namespace {

/// Sums over the tokens of one language, in the order of the text.
struct Sums {
  std::int64_t tokens = 0, bytes = 0, hits = 0;
  double loss = 0;

  LanguageScore score() const {
    const auto count = static_cast<double>(tokens);
    return {.loss = loss / count,
            .bits_per_byte = loss / std::numbers::ln2 / static_cast<double>(bytes),
            .accuracy = static_cast<double>(hits) / count,
            .tokens = tokens};
  }
};

/// A batch that outlives the text that it is of.
class KeptBatch {
 public:
  void keep(const Sequences& batch) {
    count_ = batch.count;
    length_ = batch.length;
    tokens_.assign(batch.tokens.begin(), batch.tokens.end());
    targets_.assign(batch.targets.begin(), batch.targets.end());
    languages_.assign(batch.languages.begin(), batch.languages.end());
  }
  Sequences batch() const { return {count_, length_, tokens_, targets_, languages_}; }

 private:
  std::int64_t count_ = 0, length_ = 0;
  std::vector<Token> tokens_, targets_;
  std::vector<Language> languages_;
};

/// Scores batches in rounds of one for each rank. Every rank adds the scores of all, in the order of one rank. A rank
/// without a batch in the last round scores one of another rank if experts are spread, since all ranks have to take
/// part.
class Rounds {
 public:
  Rounds(const LanguageModel& model, const RunRanks* ranks)
      : model_(model),
        ranks_(ranks),
        size_(ranks != nullptr ? ranks->size() : 1),
        is_spread_(ranks != nullptr && model.placement() != ExpertPlacement::everywhere) {}

  /// Adds the scores of the next batch to `sums`, at the latest in finish().
  void add(const Sequences& batch, Sums& sums) {
    // Scored now: its text is gone when a later language fills the round.
    if (ranks_ == nullptr || static_cast<int>(round_.size()) == ranks_->rank()) mine_ = model_.score(batch);
    if (is_spread_ && round_.empty()) first_.keep(batch);
    round_.push_back(&sums);
    if (static_cast<int>(round_.size()) == size_) finish();
  }
  /// Ends a round in which some ranks have no batch.
  void finish() {
    if (round_.empty()) return;
    if (is_spread_ && static_cast<int>(round_.size()) <= ranks_->rank()) model_.score(first_.batch());
    if (ranks_ == nullptr) {
      add_scores(mine_.losses, mine_.hits, *round_.front());
    } else {
      const auto losses = ranks_->gather<double>("losses of a batch", mine_.losses);
      const auto hits = ranks_->gather<std::uint8_t>("hits of a batch", mine_.hits);
      for (std::size_t p = 0; p < round_.size(); ++p) add_scores(losses[p], hits[p], *round_[p]);
    }
    mine_ = {};
    round_.clear();
  }

 private:
  static void add_scores(const std::vector<double>& losses, const std::vector<std::uint8_t>& hits, Sums& sums) {
    for (const double nats : losses) sums.loss += nats;
    for (const std::uint8_t hit : hits) sums.hits += hit;
  }

  const LanguageModel& model_;
  const RunRanks* ranks_;
  int size_;
  bool is_spread_;
  KeptBatch first_;  ///< of the round
  TokenScores mine_;
  std::vector<Sums*> round_;  ///< of the batches that have no scores yet
};

void add_text(Rounds& rounds, const EvaluationText& text, Language language, std::int64_t batch_sequences, Sums& sums) {
  for (std::int64_t first = 0; first < text.sequences; first += batch_sequences) {
    const std::int64_t count = std::min(batch_sequences, text.sequences - first);
    const auto begin = static_cast<std::size_t>(first * text.length),
               size = static_cast<std::size_t>(count * text.length);
    const std::vector<Language> languages(static_cast<std::size_t>(count), language);
    rounds.add({count, text.length, std::span(text.tokens).subspan(begin, size),
                std::span(text.targets).subspan(begin, size), languages},
               sums);
  }
}

}  // namespace

Evaluation evaluate(const LanguageModel& model, const LanguageFiles& files, const EvaluateOptions& options,
                    const RunRanks* ranks) {
  std::array<std::optional<Sums>, language_count> sums;
  Rounds rounds(model, ranks);
  for (const Language language : all_languages) {
    const auto& file = files[index_of(language)];
    if (!file) continue;
    const EvaluationText text = evaluation_text(
        *file, options.length, {.bytes = options.max_bytes, .sequences = options.max_sequences}, *model.tokenizer());
    Sums& of_language = sums[index_of(language)].emplace();
    of_language.tokens = static_cast<std::int64_t>(text.targets.size());
    of_language.bytes = text.bytes;
    add_text(rounds, text, language, options.sequences, of_language);
  }
  rounds.finish();
  Evaluation evaluation;
  for (const Language language : all_languages)
    if (const auto& of_language = sums[index_of(language)]) evaluation[index_of(language)] = of_language->score();
  return evaluation;
}

double mean_bits_per_byte(const Evaluation& evaluation, Resource resource) {
  double sum = 0;
  int count = 0;
  for (const Language language : all_languages)
    if (const auto& score = evaluation[index_of(language)]; score && resource_of(language) == resource) {
      sum += score->bits_per_byte;
      ++count;
    }
  return count > 0 ? sum / count : std::numeric_limits<double>::quiet_NaN();
}

}  // namespace multipl_moe
