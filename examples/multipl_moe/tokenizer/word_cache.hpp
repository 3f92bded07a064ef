#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "multipl_moe/io/hash.hpp"
#include "multipl_moe/tokenizer/token.hpp"

namespace multipl_moe {

/// A direct-mapped cache of the tokens of short words. Its size is fixed: a new word replaces the one in its place.
class WordCache {
 public:
  struct Place {
    std::uint64_t hash;
  };

  /// The place of `word` in the cache; empty if it is too long to be cached.
  static std::optional<Place> place_of(std::string_view word) {
    if (word.size() > longest_word) return std::nullopt;
    return Place{hash_of(word)};
  }

  /// The tokens of `word`, whose place is `place`; empty if it is not in the cache.
  std::span<const Token> find(Place place, std::string_view word) const {
    const Entry& entry = entries_[place.hash % entries];
    const bool is_same = entry.bytes == word.size() && std::memcmp(entry.word.data(), word.data(), word.size()) == 0;
    return {entry.tokens.data(), is_same ? entry.count : std::size_t{0}};
  }

  void keep(Place place, std::string_view word, std::span<const Token> tokens) {
    if (tokens.size() > most_tokens) return;
    Entry& entry = entries_[place.hash % entries];
    entry.bytes = static_cast<std::uint8_t>(word.size());
    entry.count = static_cast<std::uint8_t>(tokens.size());
    std::memcpy(entry.word.data(), word.data(), word.size());
    std::memcpy(entry.tokens.data(), tokens.data(), tokens.size_bytes());
  }

 private:
  static constexpr std::size_t entries = std::size_t{1} << 15;
  static constexpr std::size_t longest_word = 30;
  static constexpr std::size_t most_tokens = 8;

  /// One cache line of the processor.
  struct alignas(64) Entry {
    std::uint8_t bytes = 0, count = 0;
    std::array<char, longest_word> word;
    std::array<Token, most_tokens> tokens;
  };
  static_assert(sizeof(Entry) == 64);

  std::vector<Entry> entries_{entries};
};

}  // namespace multipl_moe
