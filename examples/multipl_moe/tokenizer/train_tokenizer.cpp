#include "multipl_moe/tokenizer/train_tokenizer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <unordered_set>
#include <utility>

#include "multipl_moe/data/filters.hpp"
#include "multipl_moe/data/source_tree.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/file.hpp"
#include "multipl_moe/io/hash.hpp"
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
}

std::optional<std::string> text_of(const std::filesystem::path& path) {
  try {
    std::string text = read_whole_file(path, largest_source);
    if (!filtered_by(text)) return text;
  } catch (const ProgramError&) {
    // prepare() counts it; here it only teaches nothing
  }
  return std::nullopt;
}

void sort_by_name(std::vector<SourceFile>& files) {
  std::stable_sort(files.begin(), files.end(), [](const SourceFile& left, const SourceFile& right) {
    return hash_of(left.path.filename().native()) < hash_of(right.path.filename().native());
  });
}

}  // namespace

TrainedTokenizer train_tokenizer(const TokenizerTraining& options) {
  check(options);
  SourceTree tree = walk_sources(options.sources);
  if (options.max_bytes > 0) sort_by_name(tree.files);
  TrainedTokenizer trained;
  WordCounts words;
  std::array<std::int64_t, language_count> taken{};
  std::unordered_set<std::uint64_t> seen;
  for (const SourceFile& file : tree.files) {
    std::int64_t& bytes = taken[index_of(file.language)];
    if (options.max_bytes > 0 && bytes >= options.max_bytes) continue;
    const std::optional<std::string> text = text_of(file.path);
    if (!text || !seen.insert(hash_of(*text)).second) continue;
    words.add(*text);
    bytes += std::ssize(*text);
    ++trained.files;
  }
  for (const std::int64_t bytes : taken) trained.bytes += bytes;
  if (trained.files == 0)
    throw UsageError("[tokenizer train] the sources must hold text to learn from, found none that prepare would take");
  trained.parts = train_bpe(words, options.vocab_size);
  return trained;
}

}  // namespace multipl_moe
