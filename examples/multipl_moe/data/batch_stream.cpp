#include "multipl_moe/data/batch_stream.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <system_error>
#include <utility>

#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/hash.hpp"

namespace multipl_moe {

OtherTokenizer::OtherTokenizer(const TokenFile& found, std::uint64_t wanted)
    : BadFile(found.path(), 24,
              fmt::format("must be encoded with the tokenizer {:016x}, found {:016x}", wanted, found.tokenizer_hash())),
      hash_(found.tokenizer_hash()),
      vocab_size_(found.vocab_size()) {}

LanguageFiles open_language_files(const std::filesystem::path& folder, std::string_view split,
                                  std::uint64_t tokenizer_hash) {
  LanguageFiles files;
  for (const Language language : all_languages) {
    const auto path = folder / fmt::format("{}.{}.tokens", name_of(language), split);
    std::error_code failed;
    if (!std::filesystem::exists(path, failed)) continue;
    auto file = std::make_shared<const TokenFile>(TokenFile::open(path));
    if (file->tokenizer_hash() != tokenizer_hash) throw OtherTokenizer(*file, tokenizer_hash);
    if (file->document_count() > 0) files[index_of(language)] = std::move(file);
  }
  if (std::all_of(files.begin(), files.end(), [](const auto& file) { return file == nullptr; }))
    throw BadFile(folder, fmt::format("must hold <language>.{}.tokens with a document, found none", split));
  return files;
}

BatchStream::BatchStream(const LanguageFiles& files, const LanguageWeights& weights, const BatchOptions& options)
    : options_(options), mixture_(weights) {
  if (options.sequences < 1)
    throw UsageError(fmt::format("[--batch-size] must be at least 1, found {}", options.sequences));
  for (const Language language : all_languages) {
    const std::size_t i = index_of(language);
    if (mixture_.share(language) == 0.0) continue;
    if (files[i] == nullptr)
      throw UsageError(fmt::format("[--data] a language that has a share must have training text, found none for {}",
                                   name_of(language)));
    packed_[i].emplace(files[i], options.end_of_text, options.length, hash_of(name_of(language), options.seed));
  }
  sequence_.resize(static_cast<std::size_t>(options.length) + 1);
}

void BatchStream::next(TokenBatch& batch) {
  batch.sequences = options_.sequences;
  batch.length = options_.length;
  batch.tokens.clear();
  batch.targets.clear();
  batch.languages.clear();
  batch.number = next_sequence();
  Mixture mixture = mixture_;  // if a read throws, the position of the stream is unchanged
  for (std::int64_t i = 0; i < options_.sequences; ++i) {
    const Language language = mixture.next();
    PackedTokens& packed = *packed_[index_of(language)];
    const std::int64_t number = mixture.count(language) - 1;
    packed.read(number / packed.sequences_per_epoch(), number % packed.sequences_per_epoch(), sequence_);
    batch.tokens.insert(batch.tokens.end(), sequence_.begin(), sequence_.end() - 1);
    batch.targets.insert(batch.targets.end(), sequence_.begin() + 1, sequence_.end());
    batch.languages.push_back(language);
  }
  mixture_ = mixture;
}

const TokenFile* BatchStream::file(Language language) const {
  const auto& packed = packed_[index_of(language)];
  return packed ? &packed->file() : nullptr;
}

std::int64_t BatchStream::tokens_seen(Language language) const { return mixture_.count(language) * options_.length; }

double BatchStream::epochs_seen(Language language) const {
  const auto& packed = packed_[index_of(language)];
  if (!packed) return 0.0;
  return static_cast<double>(mixture_.count(language)) / static_cast<double>(packed->sequences_per_epoch());
}

}  // namespace multipl_moe
