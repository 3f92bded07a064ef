#include "multipl_moe/data/prepare.hpp"

#include <fmt/format.h>

#include <utility>

#include "multipl_moe/data/source_tree.hpp"
#include "multipl_moe/data/token_file.hpp"
#include "multipl_moe/io/atomic_folder.hpp"
#include "multipl_moe/io/errors.hpp"

namespace multipl_moe {

namespace fs = std::filesystem;

namespace {

void check(const PrepareOptions& options) {
  if (options.sources.empty()) throw UsageError("[prepare] there must be a folder of sources, found none");
  require_in_range(options.held_out);
  for (const std::int64_t limit : {options.max_train_bytes, options.max_held_out_bytes})
    if (limit < 0) throw UsageError(fmt::format("[prepare] a limit must be 0 bytes or more, found {}", limit));
}

/// The first whole lines of `text`, at most `bytes` in total; all of `text` if it is not longer. `bytes` > 0.
std::string first_lines(std::string text, std::size_t bytes) {
  if (text.size() > bytes) text.resize(text.rfind('\n', bytes - 1) + 1);
  return text;
}

/// Removes the documents with an excluded run, and returns how many they are.
std::int64_t remove_excluded(Documents& documents, const ExcludedRuns& excluded) {
  if (excluded.size() == 0) return 0;
  return static_cast<std::int64_t>(std::erase_if(
      documents, [&excluded](const Document& document) { return excluded.is_in(read_document(document)); }));
}

SplitReport write_split(const fs::path& path, const Documents& documents, std::int64_t limit,
                        const Tokenizer& tokenizer) {
  SplitReport report;
  TokenFileWriter writer(path, tokenizer.vocab_size(), tokenizer.hash());
  bool full = false;
  for (const Document& document : documents) {
    std::string text = full ? "" : read_document(document);
    if (limit > 0 && std::ssize(text) >= limit - report.bytes) {
      text = first_lines(std::move(text), static_cast<std::size_t>(limit - report.bytes));
      full = true;
    }
    if (text.empty()) {
      ++report.over_limit;
      continue;
    }
    const std::vector<Token> tokens = tokenizer.encode(text);
    writer.append(tokens);
    ++report.documents;
    report.bytes += std::ssize(text);
    report.tokens += std::ssize(tokens);
  }
  writer.finish();
  return report;
}

LanguageReport write_language(const fs::path& folder, Language language, LanguageDocuments& documents,
                              const PrepareOptions& options) {
  LanguageReport counts;
  counts.files = documents.files;
  counts.filtered = documents.filtered;
  counts.excluded = remove_excluded(documents.splits[index_of(Split::train)], options.excluded);
  for (const Split split : all_splits)
    counts.splits[index_of(split)] = write_split(
        folder / fmt::format("{}.{}.tokens", name_of(language), name_of(split)), documents.splits[index_of(split)],
        split == Split::train ? options.max_train_bytes : options.max_held_out_bytes, *options.tokenizer);
  return counts;
}

}  // namespace

PrepareReport prepare(const PrepareOptions& options) {
  check(options);
  const SourceTree tree = walk_sources(options.sources);
  DocumentsByLanguage found = split_documents(tree, options.held_out);
  PrepareReport report{.tokenizer = options.tokenizer->name(),
                       .tokenizer_tokens = options.tokenizer->vocab_size(),
                       .tokenizer_hash = options.tokenizer->hash(),
                       .other_files = tree.other_files,
                       .unreadable_folders = tree.unreadable_folders,
                       .excluded_benchmarks = options.excluded_benchmarks};
  // All or nothing: training would take the files of some languages for all of them.
  save_files_atomically(options.out, [&](const fs::path& made) {
    for (const Language language : all_languages)
      report.languages[index_of(language)] = write_language(made, language, found[index_of(language)], options);
    write_file_atomically(made / "report.json", to_json_text(report));
  });
  return report;
}

}  // namespace multipl_moe
