#include "multipl_moe/tokenizer/train_tokenizer.hpp"

#include <fmt/format.h>

#include <array>
#include <string>
#include <unordered_set>
#include <utility>

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

/// The documents to learn from by language: a text that one language holds out is no other's to show.
std::array<Documents, language_count> training_documents(const TokenizerTraining& options) {
  const SourceTree tree = walk_sources(options.sources);
  std::array<Documents, language_count> training;
  std::unordered_set<std::uint64_t> taken;
  for (const Language language : all_languages) {
    LanguageDocuments documents = split_documents(tree, language, options.held_out);
    for (const Split split : {Split::dev, Split::test})
      for (const Document& document : documents.splits[index_of(split)]) taken.insert(document.hash);
    training[index_of(language)] = std::move(documents.splits[index_of(Split::train)]);
  }
  for (Documents& documents : training)
    std::erase_if(documents, [&](const Document& document) { return !taken.insert(document.hash).second; });
  return training;
}

}  // namespace

TrainedTokenizer train_tokenizer(const TokenizerTraining& options) {
  check(options);
  TrainedTokenizer trained;
  WordCounts words;
  for (const Documents& documents : training_documents(options)) {
    std::int64_t bytes = 0;
    for (const Document& document : documents) {
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
