#include "multipl_moe/tokenizer/bpe_trainer.hpp"

#include <algorithm>
#include <array>
#include <compare>
#include <queue>
#include <utility>
#include <vector>

#include "multipl_moe/tokenizer/byte_alphabet.hpp"
#include "multipl_moe/tokenizer/unicode.hpp"

namespace multipl_moe {

namespace {

constexpr std::array special_names{end_of_text_name, std::string_view("<|im_start|>"), std::string_view("<|im_end|>")};
constexpr std::size_t byte_count = 256;
constexpr std::int64_t rarest_pair = 2;

struct Word {
  std::vector<Token> tokens;
  std::int64_t count;
};

using PairKey = std::uint64_t;

PairKey key_of(Token left, Token right) { return PairKey{left} << 32 | right; }

/// The greatest candidate is merged first.
struct Candidate {
  std::int64_t count;
  PairKey pair;

  bool operator<(const Candidate& other) const {
    return count != other.count ? count < other.count : pair > other.pair;
  }
};

class Training {
 public:
  explicit Training(const WordCounts& words) {
    for (const char byte : bytes_in_order()) parts_.vocabulary.append(std::string_view(&byte, 1));
    words_.reserve(words.counts().size());
    for (const auto& [bytes, count] : words.counts()) {
      Word word{{}, count};
      for (const char byte : bytes) word.tokens.push_back(parts_.vocabulary.find(std::string_view(&byte, 1)).value());
      for (std::size_t i = 0; i + 1 < word.tokens.size(); ++i)
        change(key_of(word.tokens[i], word.tokens[i + 1]), words_.size(), count);
      words_.push_back(std::move(word));
    }
    offer_grown();
  }

  TokenizerParts result(std::size_t size) {
    while (parts_.vocabulary.size() < size && !queue_.empty()) {
      const Candidate best = queue_.top();
      queue_.pop();
      Pair& pair = pairs_[best.pair];
      if (pair.count == best.count)
        merge(best.pair);
      else if (pair.count >= rarest_pair)
        queue_.push({pair.count, best.pair});
    }
    return std::move(parts_);
  }

 private:
  struct Pair {
    std::int64_t count = 0;
    std::vector<std::size_t> words;  ///< all that contain the pair, and some that no longer do
  };

  void change(PairKey key, std::size_t word, std::int64_t by) {
    Pair& pair = pairs_[key];
    pair.count += by;
    if (by < 0) return;
    if (pair.words.empty() || pair.words.back() != word) pair.words.push_back(word);
    grown_.push_back(key);
  }

  /// Adds the pairs whose count has grown to the queue. Lower counts are corrected when an entry is taken from it.
  void offer_grown() {
    std::sort(grown_.begin(), grown_.end());
    grown_.erase(std::unique(grown_.begin(), grown_.end()), grown_.end());
    for (const PairKey key : grown_)
      if (const std::int64_t count = pairs_[key].count; count >= rarest_pair) queue_.push({count, key});
    grown_.clear();
  }

  void merge(PairKey key) {
    const Token left = static_cast<Token>(key >> 32), right = static_cast<Token>(key & ~Token{0});
    const std::string bytes = std::string(parts_.vocabulary[left]).append(parts_.vocabulary[right]);
    parts_.vocabulary.append(bytes);  // different merges may give the same token
    const Token merged = parts_.vocabulary.find(bytes).value();
    parts_.merges.append({left, right, merged});
    std::vector<std::size_t> places = std::move(pairs_[key].words);
    std::sort(places.begin(), places.end());
    places.erase(std::unique(places.begin(), places.end()), places.end());
    for (const std::size_t place : places) merge_in(place, left, right, merged);
    pairs_.erase(key);
    offer_grown();
  }

  void merge_in(std::size_t place, Token left, Token right, Token merged) {
    std::vector<Token>& tokens = words_[place].tokens;
    const std::int64_t count = words_[place].count;
    for (std::size_t i = 0; i + 1 < tokens.size(); ++i) {
      if (tokens[i] != left || tokens[i + 1] != right) continue;
      if (i > 0) {
        change(key_of(tokens[i - 1], left), place, -count);
        change(key_of(tokens[i - 1], merged), place, count);
      }
      if (i + 2 < tokens.size()) {
        change(key_of(right, tokens[i + 2]), place, -count);
        change(key_of(merged, tokens[i + 2]), place, count);
      }
      tokens[i] = merged;
      tokens.erase(tokens.begin() + static_cast<std::ptrdiff_t>(i) + 1);
    }
  }

  TokenizerParts parts_;
  std::vector<Word> words_;
  std::unordered_map<PairKey, Pair> pairs_;
  std::vector<PairKey> grown_;
  std::priority_queue<Candidate> queue_;
};

}  // namespace

WordCounts::WordCounts(std::string pattern)
    : pattern_(std::move(pattern)), splitter_(pattern_, "the pattern of words"), walk_(splitter_) {}

void WordCounts::add(std::string_view text) {
  std::string valid, composed;
  text = as_nfc(as_utf8(text, valid), composed);
  walk_.begin(text);
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = walk_.next_end();
    const auto [word, is_new] = counts_.try_emplace(std::string(text.substr(begin, end - begin)));
    ++word->second;
    if (is_new) letters_ += static_cast<std::int64_t>(end - begin);
    begin = end;
  }
}

std::int64_t WordCounts::training_bytes() const noexcept {
  // Per word: its count and its list of tokens. Per letter: a token, and entries of the growing lists of words of a
  // pair.
  constexpr std::int64_t of_word = 140, of_letter = 40;
  return of_word * std::ssize(counts_) + of_letter * letters_;
}

std::int64_t smallest_vocabulary() { return static_cast<std::int64_t>(byte_count + special_names.size()); }

TokenizerParts train_bpe(const WordCounts& words, std::int64_t vocab_size) {
  const std::int64_t learned = std::max(vocab_size, smallest_vocabulary()) - std::ssize(special_names);
  TokenizerParts parts = Training(words).result(static_cast<std::size_t>(learned));
  parts.pattern = words.pattern();
  for (const std::string_view name : special_names)
    parts.added.push_back(
        {std::string(name), static_cast<Token>(parts.vocabulary.size() + parts.added.size()), true, false});
  return parts;
}

}  // namespace multipl_moe
