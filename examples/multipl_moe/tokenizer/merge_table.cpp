#include "multipl_moe/tokenizer/merge_table.hpp"

#include <bit>

namespace multipl_moe {

void MergeTable::make_slots(std::size_t slots) {
  slots_.assign(slots, {});
  for (std::size_t rank = 0; rank < merges_.size(); ++rank) {
    const Merge& merge = merges_[rank];
    const std::uint64_t key = key_of(merge.left, merge.right);
    slots_[slot_of(key)] = {key, static_cast<Rank>(rank), merge.merged};
  }
}

void MergeTable::reserve(std::size_t merges) {
  merges_.reserve(merges);
  if (2 * merges > slots_.size()) make_slots(std::bit_ceil(2 * merges));
}

bool MergeTable::append(const Merge& merge) {
  if (2 * (size() + 1) > slots_.size()) make_slots(std::bit_ceil(4 * (size() + 1)));
  const std::uint64_t key = key_of(merge.left, merge.right);
  Slot& slot = slots_[slot_of(key)];
  if (slot.rank != none) return false;
  slot = {key, static_cast<Rank>(size()), merge.merged};
  merges_.push_back(merge);
  return true;
}

}  // namespace multipl_moe
