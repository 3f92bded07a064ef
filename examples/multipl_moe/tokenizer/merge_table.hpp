#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "multipl_moe/tokenizer/token.hpp"

namespace multipl_moe {

/// The merge of two neighboring tokens into one.
struct Merge {
  Token left, right, merged;

  bool operator==(const Merge&) const = default;
};

/// All merges ordered by rank (their priority, 0 is merged first), and the rank of two neighbors.
class MergeTable {
 public:
  using Rank = std::uint32_t;
  static constexpr Rank none = ~Rank{0};

  struct Found {
    Rank rank;  ///< `none` if the two do not merge
    Token merged;
  };

  std::size_t size() const noexcept { return merges_.size(); }
  const Merge& operator[](std::size_t rank) const { return merges_[rank]; }

  /// Appends the merge with the next rank. Returns false, without a change, if the two tokens already have one.
  bool append(const Merge& merge);
  void reserve(std::size_t merges);

  Found find(Token left, Token right) const {
    if (slots_.empty()) return {none, 0};
    const Slot& slot = slots_[slot_of(key_of(left, right))];
    return {slot.rank, slot.merged};
  }

 private:
  struct Slot {
    std::uint64_t key = 0;
    Rank rank = none;
    Token merged = 0;
  };

  static std::uint64_t key_of(Token left, Token right) { return std::uint64_t{left} << 32 | right; }

  std::size_t slot_of(std::uint64_t key) const {
    std::uint64_t mixed = key * 0x9e3779b97f4a7c15;
    mixed = (mixed ^ (mixed >> 32)) * 0xd6e8feb86659fd93;
    std::size_t slot = (mixed >> 32) & (slots_.size() - 1);
    while (slots_[slot].rank != none && slots_[slot].key != key) slot = (slot + 1) & (slots_.size() - 1);
    return slot;
  }

  void make_slots(std::size_t slots);

  std::vector<Merge> merges_;
  std::vector<Slot> slots_;  ///< a hash table, at most half full; its size is a power of 2
};

}  // namespace multipl_moe
