/// Byte-pair encoding of one word.
#pragma once

#include <vector>

#include "multipl_moe/tokenizer/merge_table.hpp"

namespace multipl_moe {

/// Merges neighbors in `word` until no two of them merge: always those of the lowest rank, and among these the
/// leftmost. O(n log n) in the number of tokens for a long word.
void merge_neighbors(const MergeTable& merges, std::vector<Token>& word);

}  // namespace multipl_moe
