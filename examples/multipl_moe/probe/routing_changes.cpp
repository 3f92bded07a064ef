#include "multipl_moe/probe/routing_changes.hpp"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "multipl_moe/eval/later_tokens.hpp"
#include "multipl_moe/eval/observed.hpp"

namespace multipl_moe::probe {

namespace {

/// The decisions of a pass, by layer and level.
using Decisions = std::map<std::pair<std::uint32_t, std::string>, moe::Observation>;

Decisions decisions_of(LanguageModel& model, std::int64_t count, std::span<const Token> tokens,
                       std::span<const Token> targets, const std::optional<Language>& language) {
  Decisions decisions;
  const Observed observed(model, [&](const moe::Observation& seen) {
    decisions.insert_or_assign({seen.layer, std::string(seen.level)}, seen);
  });
  std::vector<Language> languages;
  if (language) languages.assign(static_cast<std::size_t>(count), *language);
  model.score({count, std::ssize(tokens) / count, tokens, targets, languages});
  return decisions;
}

bool has_same_experts(const moe::Observation& a, const moe::Observation& b, moe::Index row) {
  for (moe::Index e = row * a.experts; e < (row + 1) * a.experts; ++e)
    if ((a.kept[static_cast<std::size_t>(e)] != 0) != (b.kept[static_cast<std::size_t>(e)] != 0)) return false;
  return true;
}

void compare(const moe::Observation& before, const moe::Observation& after, moe::Index row, DecisionChanges& changes) {
  ++changes.compared;
  // A boundary among the replaced tokens can end segments at other places.
  if (row >= after.rows || !has_same_experts(before, after, row)) ++changes.changed;
}

/// The tokens of `windows` from `first` on, as many sequences as there are in a batch, beginning again after the last.
std::vector<Token> batch_of(const std::vector<Token>& all, const Windows& windows, std::int64_t first,
                            std::int64_t sequences) {
  std::vector<Token> batch;
  for (std::int64_t b = 0; b < sequences; ++b) {
    const auto begin = all.begin() + (first + b) % windows.count * windows.length;
    batch.insert(batch.end(), begin, begin + windows.length);
  }
  return batch;
}

}  // namespace

std::span<const Token> Windows::tokens_of(std::int64_t window) const {
  return std::span(tokens).subspan(static_cast<std::size_t>(window * length), static_cast<std::size_t>(length));
}
std::span<const Token> Windows::targets_of(std::int64_t window) const {
  return std::span(targets).subspan(static_cast<std::size_t>(window * length), static_cast<std::size_t>(length));
}

DecisionChanges changes_with_last_half(LanguageModel& model, const Windows& windows, std::int64_t count) {
  DecisionChanges changes;
  const std::int64_t vocabulary = model.tokenizer()->vocab_size();
  for (std::int64_t window = 0; window < std::min(count, windows.count); ++window) {
    const auto tokens = windows.tokens_of(window), targets = windows.targets_of(window);
    const Decisions before = decisions_of(model, 1, tokens, targets, windows.language);
    const auto with_segments = std::find_if(before.begin(), before.end(),
                                            [](const auto& decision) { return decision.first.second == "segment"; });
    if (with_segments == before.end()) return changes;
    const std::vector<moe::Index> begin = with_segments->second.begin;
    for (std::size_t v = 0; v + 1 < begin.size(); ++v) {
      if (begin[v + 1] - begin[v] < 2) continue;
      std::vector<Token> replaced(tokens.begin(), tokens.end());
      replace_tokens(replaced, (begin[v] + begin[v + 1]) / 2, begin[v + 1], vocabulary);
      const Decisions after = decisions_of(model, 1, replaced, targets, windows.language);
      for (const auto& [place, decision] : before)
        if (place.second == "segment") compare(decision, after.at(place), static_cast<moe::Index>(v), changes);
    }
  }
  return changes;
}

DecisionChanges changes_with_neighbors(LanguageModel& model, const Windows& windows, std::int64_t count,
                                       std::int64_t sequences) {
  DecisionChanges changes;
  if (sequences < 2 || !model.config().moe) return changes;
  for (std::int64_t window = 0; window < std::min(count, windows.count); ++window) {
    std::vector<Token> tokens = batch_of(windows.tokens, windows, window, sequences);
    const std::vector<Token> targets = batch_of(windows.targets, windows, window, sequences);
    const Decisions before = decisions_of(model, sequences, tokens, targets, windows.language);
    replace_tokens(tokens, windows.length, std::ssize(tokens), model.tokenizer()->vocab_size());
    const Decisions after = decisions_of(model, sequences, tokens, targets, windows.language);
    for (const auto& [place, decision] : before)
      for (moe::Index row = 0; row < decision.rows && decision.begin[static_cast<std::size_t>(row)] < windows.length;
           ++row)
        compare(decision, after.at(place), row, changes);
  }
  return changes;
}

}  // namespace multipl_moe::probe
