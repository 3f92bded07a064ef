#include "multipl_moe/data/train_tokenizer.hpp"

#include <fmt/format.h>

#include <array>
#include <string>

#include "multipl_moe/data/source_tree.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/free_memory.hpp"
#include "multipl_moe/tokenizer/bpe_trainer.hpp"

namespace multipl_moe {

namespace {

constexpr std::int64_t largest_vocabulary = 1 << 19;  // the limit of tokenizer files

void check(const TokenizerTraining& options) {
  if (options.vocab_size < smallest_vocabulary() || options.vocab_size > largest_vocabulary)
    throw UsageError(fmt::format("[tokenizer train] a vocabulary must have {} to {} tokens, found {}",
                                 smallest_vocabulary(), largest_vocabulary, options.vocab_size));
  if (options.digits < 1 || options.digits > most_digits)
    throw UsageError(fmt::format("[tokenizer train] a token must have 1 to {} digits at most, found {}", most_digits,
                                 options.digits));
  if (options.max_bytes < 0)
    throw UsageError(fmt::format("[tokenizer train] a limit must be 0 bytes or more, found {}", options.max_bytes));
  require_in_range(options.held_out);
}

void require_memory(const WordCounts& words) {
  require_free_memory("tokenizer train",
                      std::array{MemoryPart{"the distinct words of the text", words.training_bytes()}},
                      "a smaller --max-bytes needs less");
}

}  // namespace

TrainedTokenizer train_tokenizer(const TokenizerTraining& options) {
  constexpr std::int64_t between_questions = std::int64_t{16} << 20;
  check(options);
  TrainedTokenizer trained;
  WordCounts words(pattern_with_digits(options.digits));
  std::int64_t next_question = between_questions;
  for (const LanguageDocuments& documents : split_documents(walk_sources(options.sources), options.held_out)) {
    std::int64_t bytes = 0;
    for (const Document& document : documents.splits[index_of(Split::train)]) {
      if (options.max_bytes > 0 && bytes >= options.max_bytes) break;
      const std::string text = read_document(document);
      words.add(text);
      bytes += std::ssize(text);
      ++trained.files;
      if (words.training_bytes() < next_question) continue;
      require_memory(words);
      next_question = words.training_bytes() + between_questions;
    }
    trained.bytes += bytes;
  }
  if (trained.files == 0)
    throw UsageError(
        "[tokenizer train] the sources must hold text to learn from, found none that prepare would train on");
  require_memory(words);
  trained.parts = train_bpe(words, options.vocab_size);
  return trained;
}

}  // namespace multipl_moe
