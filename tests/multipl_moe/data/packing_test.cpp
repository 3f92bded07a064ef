#include "multipl_moe/data/packing.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <numeric>
#include <set>

#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/scratch.hpp"
#include "support/catch.hpp"

namespace packing_test {

using namespace multipl_moe;
using namespace multipl_moe::testing;

namespace {

constexpr Token end_of_text = 1000;

/// Documents of 1 to `documents` tokens; document d has d tokens, all equal to d.
std::shared_ptr<const TokenFile> staircase(const ScratchFolder& folder, Token documents) {
  TokenFileWriter writer(folder / "f", 1001, 0);
  for (Token d = 1; d <= documents; ++d) writer.append(std::vector<Token>(d, d));
  writer.finish();
  return std::make_shared<const TokenFile>(TokenFile::open(folder / "f"));
}

std::vector<Token> read(PackedTokens& packed, std::int64_t epoch, std::int64_t index) {
  std::vector<Token> tokens(static_cast<std::size_t>(packed.length()) + 1);
  packed.read(epoch, index, tokens);
  return tokens;
}

/// The stream of an epoch, joined from its blocks; adjacent blocks share a token.
std::vector<Token> stream_of(PackedTokens& packed, std::int64_t epoch, std::uint64_t seed) {
  const auto order = keyed_permutation(packed.sequences_per_epoch(), seed, 1, static_cast<std::uint64_t>(epoch));
  std::vector<std::vector<Token>> blocks(order.size());
  for (std::size_t i = 0; i < order.size(); ++i) blocks[order[i]] = read(packed, epoch, static_cast<std::int64_t>(i));
  std::vector<Token> stream{blocks.front().front()};
  for (const auto& block : blocks) {
    CHECK(block.front() == stream.back());
    stream.insert(stream.end(), block.begin() + 1, block.end());
  }
  return stream;
}

}  // namespace

TEST_CASE("a keyed permutation is a permutation and depends on its key") {
  for (const std::int64_t count : {0, 1, 2, 3, 100, 4097}) {
    std::vector<std::uint32_t> order = keyed_permutation(count, 5, 0, 1);
    std::vector<std::uint32_t> expected(static_cast<std::size_t>(count));
    std::iota(expected.begin(), expected.end(), 0u);
    std::sort(order.begin(), order.end());
    CHECK(order == expected);
  }
  const auto order = keyed_permutation(100, 5, 0, 1);
  CHECK(order == keyed_permutation(100, 5, 0, 1));
  CHECK(order != keyed_permutation(100, 6, 0, 1));
  CHECK(order != keyed_permutation(100, 5, 1, 1));
  CHECK(order != keyed_permutation(100, 5, 0, 2));
}

TEST_CASE("keyed permutations are the same on every machine") {
  CHECK(keyed_permutation(8, 1, 2, 3) == std::vector<std::uint32_t>{7, 0, 1, 6, 2, 3, 5, 4});
}

TEST_CASE("each element is at each position about equally often") {
  std::array<std::array<int, 5>, 5> counts{};
  for (std::uint64_t epoch = 0; epoch < 5000; ++epoch) {
    const auto order = keyed_permutation(5, 9, 0, epoch);
    for (std::size_t place = 0; place < 5; ++place) ++counts[place][order[place]];
  }
  for (const auto& place : counts)
    for (const int count : place) CHECK(std::abs(count - 1000) < 150);  // 5 standard deviations
}

TEST_CASE("an epoch's blocks are its complete documents, each followed by an end-of-text") {
  const ScratchFolder folder;
  const auto file = staircase(folder, 30);
  PackedTokens packed(file, end_of_text, 7, 3);
  CHECK(packed.sequences_per_epoch() == (465 + 30 - 1) / 7);
  CHECK(packed.dropped_per_epoch() == (465 + 30 - 1) % 7);
  for (const std::int64_t epoch : {0, 1, 12}) {
    const std::vector<Token> stream = stream_of(packed, epoch, 3);
    CHECK(std::ssize(stream) + packed.dropped_per_epoch() == 465 + 30);
    std::set<Token> seen;
    for (std::size_t at = 0; at < stream.size();) {
      const Token document = stream[at];
      const std::size_t end = std::min(stream.size(), at + document);
      CHECK(seen.insert(document).second);
      CHECK(std::all_of(stream.begin() + static_cast<std::ptrdiff_t>(at),
                        stream.begin() + static_cast<std::ptrdiff_t>(end),
                        [document](Token token) { return token == document; }));
      if (end < stream.size()) CHECK(stream[end] == end_of_text);
      at = end + 1;
    }
  }
}

TEST_CASE("a sequence depends only on seed, epoch and index") {
  const ScratchFolder folder;
  const auto file = staircase(folder, 20);
  PackedTokens packed(file, end_of_text, 5, 3);
  PackedTokens again(file, end_of_text, 5, 3);
  const std::vector<Token> late = read(packed, 4, 17);
  CHECK(read(packed, 0, 3) == read(again, 0, 3));
  CHECK(read(again, 4, 17) == late);
  PackedTokens other(file, end_of_text, 5, 4);
  int different = 0;
  for (std::int64_t i = 0; i < packed.sequences_per_epoch(); ++i) {
    different += read(packed, 0, i) != read(other, 0, i);
    different += read(packed, 0, i) != read(packed, 1, i);
  }
  CHECK(different > packed.sequences_per_epoch());
}

TEST_CASE("a file too short for one sequence is refused") {
  const ScratchFolder folder;
  const auto file = staircase(folder, 2);  // 3 tokens and 2 ends
  CHECK_NOTHROW(PackedTokens(file, end_of_text, 4, 0));
  CHECK_THROWS_AS(PackedTokens(file, end_of_text, 5, 0), BadFile);
  CHECK_THROWS_AS(PackedTokens(file, end_of_text, 0, 0), UsageError);
  CHECK_THROWS_AS(PackedTokens(staircase(folder, 0), end_of_text, 1, 0), BadFile);
}

}  // namespace packing_test
