#include "multipl_moe/data/prepare.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <system_error>
#include <unordered_set>
#include <utility>

#include "multipl_moe/data/source_tree.hpp"
#include "multipl_moe/data/token_file.hpp"
#include "multipl_moe/io/atomic_folder.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/file.hpp"
#include "multipl_moe/io/hash.hpp"

namespace multipl_moe {

namespace fs = std::filesystem;

namespace {

/// Any fixed number: it makes the order within a split independent of the split.
constexpr std::uint64_t order_key = 0x6f72646572;

struct Document {
  fs::path path;
  std::uint64_t hash;

  std::uint64_t order() const { return hash_of_numbers({hash}, order_key); }
};

using Documents = std::vector<Document>;

void check(const PrepareOptions& options) {
  if (options.sources.empty()) throw UsageError("[prepare] there must be a folder of sources, found none");
  for (const double fraction : {options.dev_fraction, options.test_fraction})
    if (!(fraction >= 0.0 && fraction < 0.5))
      throw UsageError(fmt::format("[prepare] a held-out fraction must be in [0, 0.5), found {}", fraction));
  for (const std::int64_t limit : {options.max_train_bytes, options.max_held_out_bytes})
    if (limit < 0) throw UsageError(fmt::format("[prepare] a limit must be 0 bytes or more, found {}", limit));
}

/// Takes in the files of one language that the filters let through, and counts the others.
class Intake {
 public:
  Intake(LanguageReport& report, Documents& documents) : report_(report), documents_(documents) {}

  void add(const fs::path& path) {
    ++report_.files;
    if (const auto filter = tried(path)) ++report_.filtered[index_of(*filter)];
  }

 private:
  std::optional<Filter> tried(const fs::path& path) {
    std::string text;
    try {
      if (InputFile::open(path).size() > largest_source) return Filter::too_large;
      text = read_whole_file(path, largest_source);
    } catch (const ProgramError&) {
      return Filter::unreadable;
    }
    if (const auto filter = filtered_by(text)) return filter;
    const std::uint64_t hash = hash_of(text);
    if (!seen_.insert(hash).second) return Filter::duplicate;
    documents_.push_back({path, hash});
    return std::nullopt;
  }

  LanguageReport& report_;
  Documents& documents_;
  std::unordered_set<std::uint64_t> seen_;
};

std::array<Documents, all_splits.size()> split_up(Documents documents, const PrepareOptions& options) {
  std::sort(documents.begin(), documents.end(),
            [](const Document& left, const Document& right) { return left.hash < right.hash; });
  const auto below = [&documents](double fraction) {
    return std::count_if(documents.begin(), documents.end(), [fraction](const Document& document) {
      return std::ldexp(static_cast<double>(document.hash), -64) < fraction;
    });
  };
  const std::ptrdiff_t least = documents.size() >= 3 ? 1 : 0;
  std::ptrdiff_t dev = below(options.dev_fraction);
  std::ptrdiff_t test = below(options.dev_fraction + options.test_fraction) - dev;
  if (options.dev_fraction > 0.0) dev = std::max(dev, least);
  if (options.test_fraction > 0.0) test = std::max(test, least);
  while (least > 0 && dev + test >= std::ssize(documents)) --(dev > test ? dev : test);
  const auto begin = std::make_move_iterator(documents.begin());
  std::array<Documents, all_splits.size()> splits;
  splits[index_of(Split::dev)].assign(begin, begin + dev);
  splits[index_of(Split::test)].assign(begin + dev, begin + dev + test);
  splits[index_of(Split::train)].assign(begin + dev + test, std::make_move_iterator(documents.end()));
  return splits;
}

std::string read_again(const Document& document) {
  std::string text = read_whole_file(document.path, largest_source);
  if (hash_of(text) != document.hash)
    throw BadFile(document.path, "must stay as it is while it is prepared, found it changed");
  return text;
}

/// Whole lines of at most `bytes` in all; all of `text` where that is no more. `bytes` > 0.
std::string first_lines(std::string text, std::size_t bytes) {
  if (text.size() > bytes) text.resize(text.rfind('\n', bytes - 1) + 1);
  return text;
}

SplitReport write_split(const fs::path& path, Documents documents, std::int64_t limit, const Tokenizer& tokenizer) {
  std::sort(documents.begin(), documents.end(),
            [](const Document& left, const Document& right) { return left.order() < right.order(); });
  SplitReport report;
  TokenFileWriter writer(path, tokenizer.vocab_size(), tokenizer.hash());
  bool full = false;
  for (const Document& document : documents) {
    std::string text = full ? "" : read_again(document);
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

}  // namespace

std::string_view name_of(Split split) {
  constexpr std::array<std::string_view, all_splits.size()> names{"train", "dev", "test"};
  return names[index_of(split)];
}

PrepareReport prepare(const PrepareOptions& options) {
  check(options);
  const SourceTree tree = walk_sources(options.sources);
  std::error_code failed;
  fs::create_directories(options.out, failed);
  if (failed) throw IoError(options.out, "create", failed.value());
  PrepareReport report{.other_files = tree.other_files, .unreadable_folders = tree.unreadable_folders};
  for (const Language language : all_languages) {
    LanguageReport& counts = report.languages[index_of(language)];
    Documents documents;
    Intake intake(counts, documents);
    for (const SourceFile& file : tree.files)
      if (file.language == language) intake.add(file.path);
    const auto splits = split_up(std::move(documents), options);
    for (const Split split : all_splits)
      counts.splits[index_of(split)] = write_split(
          options.out / fmt::format("{}.{}.tokens", name_of(language), name_of(split)), splits[index_of(split)],
          split == Split::train ? options.max_train_bytes : options.max_held_out_bytes, *options.tokenizer);
  }
  write_file_atomically(options.out / "report.json", to_json_text(report));
  return report;
}

}  // namespace multipl_moe
