#include "multipl_moe/tokenizer/merging.hpp"

#include <random>

#include "multipl_moe/tokenizer/vocabulary.hpp"
#include "support/catch.hpp"

namespace merging_test {

using namespace multipl_moe;

namespace {

/// The definition: repeatedly merge the first of the adjacent pairs with the lowest merge rank.
std::vector<Token> merged_slowly(const MergeTable& merges, std::vector<Token> word) {
  while (true) {
    std::size_t best = 0;
    MergeTable::Found found{MergeTable::none, 0};
    for (std::size_t i = 0; i + 1 < word.size(); ++i)
      if (const auto here = merges.find(word[i], word[i + 1]); here.rank < found.rank) {
        found = here;
        best = i;
      }
    if (found.rank == MergeTable::none) return word;
    word[best] = found.merged;
    word.erase(word.begin() + static_cast<std::ptrdiff_t>(best) + 1);
  }
}

}  // namespace

TEST_CASE("words of any length are merged as in the definition", "[tokenizer]") {
  std::mt19937 numbers(7);
  const auto below = [&numbers](Token end) { return static_cast<Token>(numbers() % end); };
  for (int round = 0; round < 300; ++round) {
    MergeTable merges;
    const Token letters = 2 + below(3), most = letters + 12;
    for (Token next = letters; next < most; ++next) merges.append({below(next), below(next), next});
    for (const std::size_t size : std::vector<std::size_t>{0, 1, 2, 3, 39, 40, 41, 42, 200}) {
      std::vector<Token> word(size);
      for (Token& token : word) token = below(letters);
      const auto expected = merged_slowly(merges, word);
      merge_neighbors(merges, word);
      CHECK(word == expected);
    }
  }
}

TEST_CASE("a word of a million tokens is merged in little time", "[tokenizer]") {
  MergeTable merges;
  for (Token next = 1; next < 16; ++next) merges.append({next - 1, next - 1, next});
  std::vector<Token> word(1 << 20, 0);
  merge_neighbors(merges, word);
  CHECK(word == std::vector<Token>(32, 15));
}

TEST_CASE("a pair of tokens has at most one merge", "[tokenizer]") {
  MergeTable merges;
  CHECK(merges.find(1, 2).rank == MergeTable::none);
  for (Token i = 0; i < 1000; ++i) CHECK(merges.append({i, i + 1, i + 2}));
  CHECK_FALSE(merges.append({5, 6, 9}));
  CHECK(merges.size() == 1000);
  CHECK(merges[3] == Merge{3, 4, 5});
  CHECK(merges.find(999, 1000).rank == 999);
  CHECK(merges.find(7, 8).merged == 9);
  CHECK(merges.find(8, 7).rank == MergeTable::none);
}

TEST_CASE("a vocabulary maps texts to ids and ids to texts", "[tokenizer]") {
  Vocabulary vocabulary;
  CHECK_FALSE(vocabulary.find("a"));
  for (int i = 0; i < 1000; ++i) CHECK(vocabulary.append(std::to_string(i)));
  CHECK_FALSE(vocabulary.append("77"));
  CHECK(vocabulary.size() == 1000);
  CHECK(vocabulary[0] == "0");
  CHECK(vocabulary[999] == "999");
  CHECK(vocabulary.find("500") == Token{500});
  CHECK_FALSE(vocabulary.find("1000"));
}

}  // namespace merging_test
