/// Converts trees of source files to token files by language and split. A prefix of a token file is a fair sample, and
/// it is the same on every machine.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "multipl_moe/data/excluded_runs.hpp"
#include "multipl_moe/data/filters.hpp"
#include "multipl_moe/data/language.hpp"
#include "multipl_moe/data/splits.hpp"
#include "multipl_moe/tokenizer/tokenizer.hpp"

namespace multipl_moe {

struct PrepareOptions {
  std::vector<std::filesystem::path> sources;  ///< folders, walked without following links
  std::filesystem::path out;                   ///< folder for token files and report.json
  std::shared_ptr<const Tokenizer> tokenizer = byte_tokenizer();
  HeldOut held_out{};
  std::int64_t max_train_bytes = 0;     ///< of a language's train split; 0 is no limit
  std::int64_t max_held_out_bytes = 0;  ///< of each other split of a language; 0 is no limit
  ExcludedRuns excluded{};              ///< documents of the train split with one of these runs are left out
  std::vector<ExcludedBenchmark> excluded_benchmarks{};  ///< they have the runs of `excluded`
};

struct SplitReport {
  std::int64_t documents = 0;  ///< written
  std::int64_t bytes = 0;      ///< of their text
  std::int64_t tokens = 0;
  std::int64_t over_limit = 0;  ///< documents left out by the limit on bytes
};

struct LanguageReport {
  std::int64_t files = 0;  ///< of the language's extensions
  std::array<std::int64_t, all_filters.size()> filtered{};
  std::int64_t excluded = 0;  ///< documents of the train split that are left out for their excluded runs
  std::array<SplitReport, all_splits.size()> splits{};
};

struct PrepareReport {
  std::string tokenizer;  ///< name
  std::int64_t tokenizer_tokens = 0;
  std::uint64_t tokenizer_hash = 0;
  std::int64_t other_files = 0;  ///< without a known extension, links and special files
  std::int64_t unreadable_folders = 0;
  std::vector<ExcludedBenchmark> excluded_benchmarks{};  ///< those of the options
  std::array<LanguageReport, language_count> languages{};
};

/// Writes `<out>/<language>.<split>.tokens` for every language and split, empty ones too, and
/// `<out>/report.json`, each atomically.
///
/// The splits and their order are those of split_documents(). A limit selects the first documents; the one that would
/// exceed it is cut after the last line that fits. Excluded documents are left out before that, and change neither the
/// splits nor their order. Throws UsageError if there is no source, if a source is not a
/// folder, if no source has usable text, or if an option is out of range; IoError.
PrepareReport prepare(const PrepareOptions& options);

std::string to_json_text(const PrepareReport& report);
/// The name of the tokenizer with this hash, from the report.json of a folder that prepare() wrote; empty if the report
/// does not contain it.
std::string tokenizer_named_in(const std::filesystem::path& folder, std::uint64_t hash);

}  // namespace multipl_moe
