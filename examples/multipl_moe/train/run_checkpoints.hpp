/// A run's checkpoints: checkpoints/step-NNNNNN, each a model with its moments (optimizer*.safetensors), its
/// trainer_state.json and its MANIFEST; checkpoints/LATEST names the newest.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "multipl_moe/io/folder_lock.hpp"
#include "multipl_moe/model/language_model.hpp"
#include "multipl_moe/train/trainer_state.hpp"

namespace multipl_moe {

/// What a run does where its folder holds checkpoints already.
enum class RunStart {
  fresh,    ///< refuses to begin
  replace,  ///< removes them
  resume    ///< goes on from the newest
};

/// The model that `run`, which goes on, began with: one of `config`, untied where the run has a head of its own, as
/// every run had before embeddings could be tied. A notice says so.
ModelConfig config_of_run(ModelConfig config, const std::filesystem::path& run);

class RunCheckpoints {
 public:
  /// Keeps `run` for this process and removes what a killed one left half-done. `keep`: checkpoints beside which older
  /// ones go, at least 1. Throws UsageError where `start` refuses what is there, Failure where another process trains
  /// in `run`, BadFile where there is nothing to resume, IoError.
  RunCheckpoints(std::filesystem::path run, RunStart start, std::int64_t keep);

  /// Fills weights, buffers and moments from the newest checkpoint whose MANIFEST holds, and finishes what a kill after
  /// it got its name left undone; a notice names each newer one and what is wrong with it. Throws BadFile where none is
  /// whole, UsageError where it is of other settings than a number of steps, or has more steps behind it than that.
  TrainerState load(LanguageModel& model, const RunSettings& settings) const;

  /// Saves durably, and removes all but the newest `keep`; in a row of skipped steps the last good one stays too.
  /// Throws IoError, which leaves the checkpoints there were; on a full disk it names a checkpoint's bytes.
  std::filesystem::path save(LanguageModel& model, const TrainerState& state) const;

  std::filesystem::path folder_of(std::int64_t step) const;

 private:
  /// Newest first.
  std::vector<std::int64_t> steps() const;
  void name_latest(const std::filesystem::path& folder) const;
  void remove_older(const TrainerState& state) const;
  /// Newer ones than the newest whole one are those that load() passed over.
  void remove_passed_over(const TrainerState& state) const;

  std::filesystem::path checkpoints_;
  std::int64_t keep_;
  FolderLock lock_;
};

}  // namespace multipl_moe
