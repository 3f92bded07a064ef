/// The output folder of `evaluate`.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "multipl_moe/benchmark/journal.hpp"
#include "multipl_moe/benchmark/scores.hpp"
#include "multipl_moe/io/folder_lock.hpp"

namespace multipl_moe {

/// The settings in the evaluation.toml of `folder`; those of [record] are called "NAME in [record]". Empty if there is
/// none. Throws IoError.
std::map<std::string, std::string> settings_of_run(const std::filesystem::path& folder);

/// Holds the folder's lock. Completions and results are appended to hidden journals while the run goes on; the files
/// with their final names are complete. MANIFEST, written last, lists them.
class EvaluationFolder {
 public:
  /// Creates the folder with evaluation.toml, or with `resume` continues one whose evaluation.toml has the same
  /// settings, except those that change no result. Throws UsageError for a folder with files without `resume`, and with
  /// it for other settings, which are named; IoError; Failure if another process uses the folder.
  EvaluationFolder(const std::filesystem::path& folder, const std::string& settings, bool resume);

  /// Opens the journal of completions. Returns those that an earlier run has written.
  std::vector<benchmark::Completion> open_completions(std::span<const benchmark::Problem> problems);
  /// Whether the folder has the completions of a run that has generated all of them.
  bool has_all_completions() const;
  void add(const benchmark::Completion& completion, const benchmark::Problem& problem);

  /// Opens the journal of results. Gives those that an earlier run has written to the entries of `scored` with the same
  /// problem, sample and program.
  std::vector<std::optional<benchmark::Executed>> open_results(std::span<const benchmark::Problem> problems,
                                                               std::span<const benchmark::Scored> scored);
  void add(const benchmark::Scored& scored, const benchmark::Problem& problem);

  /// Writes one of the final files. Throws IoError.
  void write(const std::string& name, const std::string& text);
  /// Writes MANIFEST and removes the journals.
  void finish();

  const std::filesystem::path& path() const { return path_; }

 private:
  /// `settings` with the hardware of the run that was begun before the present one's, and a notice if it is another.
  std::string with_all_hardware(const std::string& settings, const std::string& begun_with) const;
  std::filesystem::path completions_journal() const { return path_ / ".completions.jsonl"; }
  std::filesystem::path results_journal() const { return path_ / ".results.jsonl"; }

  std::filesystem::path path_;
  std::optional<FolderLock> lock_;
  std::optional<benchmark::Journal> completions_, results_;
  std::set<std::string> written_;
};

}  // namespace multipl_moe
