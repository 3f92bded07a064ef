#include "multipl_moe/tokenizer/train_tokenizer.hpp"

#include <fmt/format.h>

#include <string>

#include "multipl_moe/data/source_tree.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/tokenizer/bpe_trainer.hpp"

namespace multipl_moe {

namespace {

constexpr std::int64_t largest_vocabulary = 1 << 19;  // what files of tokenizers may hold

void check(const TokenizerTraining& options) {
  if (options.vocab_size < smallest_vocabulary() || options.vocab_size > largest_vocabulary)
    throw UsageError(fmt::format("[tokenizer train] a vocabulary must have {} to {} tokens, found {}",
                                 smallest_vocabulary(), largest_vocabulary, options.vocab_size));
  if (options.max_bytes < 0)
    throw UsageError(fmt::format("[tokenizer train] a limit must be 0 bytes or more, found {}", options.max_bytes));
  require_in_range(options.held_out);
}

}  // namespace

TrainedTokenizer train_tokenizer(const TokenizerTraining& options) {
  check(options);
  TrainedTokenizer trained;
  WordCounts words;
  for (const LanguageDocuments& documents : split_documents(walk_sources(options.sources), options.held_out)) {
    std::int64_t bytes = 0;
    for (const Document& document : documents.splits[index_of(Split::train)]) {
      if (options.max_bytes > 0 && bytes >= options.max_bytes) break;
      const std::string text = read_document(document);
      words.add(text);
      bytes += std::ssize(text);
      ++trained.files;
    }
    trained.bytes += bytes;
  }
  if (trained.files == 0)
    throw UsageError(
        "[tokenizer train] the sources must hold text to learn from, found none that prepare would train on");
  trained.parts = train_bpe(words, options.vocab_size);
  return trained;
}

}  // namespace multipl_moe
