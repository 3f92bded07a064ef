#include "multipl_moe/tokenizer/merging.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <functional>
#include <queue>
#include <tuple>

namespace multipl_moe {

namespace {

using Found = MergeTable::Found;

/// Up to this length, a search through all neighbors is faster than a priority queue.
constexpr std::size_t short_word = 40;

void merge_short(const MergeTable& merges, std::vector<Token>& word) {
  std::size_t size = word.size();
  std::array<Found, short_word> found;
  for (std::size_t i = 0; i + 1 < size; ++i) found[i] = merges.find(word[i], word[i + 1]);
  while (size > 1) {
    std::size_t best = 0;
    for (std::size_t i = 1; i + 1 < size; ++i)
      if (found[i].rank < found[best].rank) best = i;
    if (found[best].rank == MergeTable::none) break;
    word[best] = found[best].merged;
    --size;
    for (std::size_t i = best + 1; i < size; ++i) word[i] = word[i + 1];
    for (std::size_t i = best + 1; i + 1 < size; ++i) found[i] = found[i + 1];
    if (best > 0) found[best - 1] = merges.find(word[best - 1], word[best]);
    if (best + 1 < size) found[best] = merges.find(word[best], word[best + 1]);
  }
  word.resize(size);
}

/// A linked list of tokens, and a priority queue of neighbors that merge. A queue entry is stale if its left token is
/// gone or its pair has changed.
class LongWord {
 public:
  LongWord(const MergeTable& merges, std::vector<Token>& word) : merges_(merges), word_(word), links_(word.size()) {
    for (std::size_t i = 0; i < word.size(); ++i) links_[i] = {i - 1, i + 1};
    for (std::size_t i = 0; i + 1 < word.size(); ++i) offer(i);
  }

  void merge() {
    while (!queue_.empty()) {
      const auto [rank, left] = queue_.top();
      queue_.pop();
      const std::size_t right = links_[left].next;
      if (word_[left] == gone || right == word_.size()) continue;
      const Found found = merges_.find(word_[left], word_[right]);
      if (found.rank == rank) join(left, right, found.merged);
    }
    std::erase(word_, gone);
  }

 private:
  static constexpr Token gone = ~Token{0};

  struct Link {
    std::size_t previous, next;
  };
  using Offer = std::pair<MergeTable::Rank, std::size_t>;

  void offer(std::size_t left) {
    const MergeTable::Rank rank = merges_.find(word_[left], word_[links_[left].next]).rank;
    if (rank != MergeTable::none) queue_.emplace(rank, left);
  }

  void join(std::size_t left, std::size_t right, Token merged) {
    word_[left] = merged;
    word_[right] = gone;
    links_[left].next = links_[right].next;
    if (links_[left].next < word_.size()) {
      links_[links_[left].next].previous = left;
      offer(left);
    }
    if (left > 0) offer(links_[left].previous);
  }

  const MergeTable& merges_;
  std::vector<Token>& word_;
  std::vector<Link> links_;
  std::priority_queue<Offer, std::vector<Offer>, std::greater<>> queue_;
};

}  // namespace

void merge_neighbors(const MergeTable& merges, std::vector<Token>& word) {
  if (word.size() <= short_word)
    merge_short(merges, word);
  else
    LongWord(merges, word).merge();
}

}  // namespace multipl_moe
