/// Trains a byte-level BPE tokenizer of Qwen's kind on text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

#include "multipl_moe/tokenizer/tokenizer_parts.hpp"
#include "multipl_moe/tokenizer/word_splitter.hpp"

namespace multipl_moe {

/// The number of occurrences of each word in a text.
class WordCounts {
 public:
  /// Words are those of `pattern`.
  explicit WordCounts(std::string pattern = std::string(qwen_pattern));

  /// Adds the words of `text`, normalized as in Qwen's tokenizer. Throws Failure as WordSplitter::Walk.
  void add(std::string_view text);

  const std::unordered_map<std::string, std::int64_t>& counts() const noexcept { return counts_; }
  const std::string& pattern() const noexcept { return pattern_; }
  /// Approximate bytes of memory of these counts and of train_bpe() on them.
  std::int64_t training_bytes() const noexcept;

 private:
  std::string pattern_;
  WordSplitter splitter_;
  WordSplitter::Walk walk_;
  std::unordered_map<std::string, std::int64_t> counts_;
  std::int64_t letters_ = 0;  ///< bytes of all distinct words
};

/// The smallest vocabulary of train_bpe(): the bytes and the special tokens.
std::int64_t smallest_vocabulary();

/// Repeatedly merges the most frequent pair of neighboring tokens until there are `vocab_size` tokens or no pair occurs
/// twice. Among equally frequent pairs, the one with the lower left token and then the lower right token is merged
/// first, as in the trainer of the package `tokenizers`. In words that repeat a token (`aaa`), a pair counts at each
/// position. The result does not depend on the order of words.
/// The special tokens `<|endoftext|>`, `<|im_start|>` and `<|im_end|>` come last, as in Qwen's vocabulary.
TokenizerParts train_bpe(const WordCounts& words, std::int64_t vocab_size);

}  // namespace multipl_moe
