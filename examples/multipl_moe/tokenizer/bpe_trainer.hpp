/// Learns the merges of a byte-level BPE tokenizer of Qwen's kind from text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

#include "multipl_moe/tokenizer/tokenizer_parts.hpp"
#include "multipl_moe/tokenizer/word_splitter.hpp"

namespace multipl_moe {

/// How often each word of some texts occurs.
class WordCounts {
 public:
  WordCounts();

  /// Adds the words of `text`, normalized and cut as Qwen's tokenizer does. Throws Failure as WordSplitter::Walk does.
  void add(std::string_view text);

  const std::unordered_map<std::string, std::int64_t>& counts() const noexcept { return counts_; }
  /// Bytes that these counts and train_bpe() on them hold in memory, about.
  std::int64_t training_bytes() const noexcept;

 private:
  WordSplitter splitter_;
  WordSplitter::Walk walk_;
  std::unordered_map<std::string, std::int64_t> counts_;
  std::int64_t letters_ = 0;  ///< bytes of all different words
};

/// The fewest tokens that train_bpe() can do with: the bytes and the special tokens.
std::int64_t smallest_vocabulary();

/// Merges the two neighbors that stand beside each other most often, again and again, until there are `vocab_size`
/// tokens or no two stand together twice. Of pairs equally frequent it takes the one whose left token has the lower
/// number, then the right one; so does the trainer of the package `tokenizers`. Words that repeat a token (`aaa`) count
/// a pair at each place. The result does not depend on the order of words.
/// The special tokens `<|endoftext|>`, `<|im_start|>` and `<|im_end|>` come last, as in Qwen's vocabulary.
TokenizerParts train_bpe(const WordCounts& words, std::int64_t vocab_size);

}  // namespace multipl_moe
