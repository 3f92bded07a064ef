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

/// What a run does if its folder already holds checkpoints.
enum class RunStart {
  fresh,    ///< refuses to start
  replace,  ///< removes them
  resume    ///< continues from the newest
};

/// The configuration that `run`, which is resumed, began with: `config`, but untied if the run trains a separate head,
/// as every run did before embeddings could be tied. A notice reports this.
ModelConfig config_of_run(ModelConfig config, const std::filesystem::path& run);
/// The placement of the experts in the run's newest checkpoint; everywhere if there is none.
ExpertPlacement placement_of_run(const std::filesystem::path& run);

/// Fills weights, buffers and the optimizer state from the checkpoint of `step` in `run`. Throws BadFile, IoError;
/// UsageError as RunCheckpoints::load().
TrainerState load_run_checkpoint(const std::filesystem::path& run, std::int64_t step, LanguageModel& model,
                                 const std::vector<TensorRef>& optimizer_state, const RunSettings& settings);

/// The steps of the checkpoints in the run folder, ascending; empty for any other folder.
std::vector<std::int64_t> checkpoint_steps(const std::filesystem::path& run);
/// The folder of the checkpoint of `step`, a model's folder.
std::filesystem::path checkpoint_folder(const std::filesystem::path& run, std::int64_t step);

class RunCheckpoints {
 public:
  /// Locks `run` for this process and removes the incomplete files of a killed one. `keep`: number of newest
  /// checkpoints that are kept, at least 1. Throws UsageError if `start` does not allow the existing checkpoints,
  /// Failure if another process trains in `run`, BadFile if there is nothing to resume, IoError.
  RunCheckpoints(std::filesystem::path run, RunStart start, std::int64_t keep);

  /// Fills weights, buffers and the optimizer state from the newest checkpoint that matches its MANIFEST, and completes
  /// its save if that was killed after the checkpoint got its name. A notice names each newer checkpoint and its fault.
  /// Throws BadFile if no checkpoint is valid, UsageError if its settings differ in more than the number of steps, or
  /// if more steps are done than `settings` has.
  TrainerState load(LanguageModel& model, const std::vector<TensorRef>& optimizer_state,
                    const RunSettings& settings) const;

  /// Saves `tensors` of `model` durably and removes all checkpoints but the newest `keep`; after skipped steps the last
  /// good one is kept too. Throws IoError, with the existing checkpoints unchanged; if the disk is full, it gives a
  /// checkpoint's size in bytes.
  std::filesystem::path save(const LanguageModel& model, const ModelTensors& tensors, const TrainerState& state) const;

  std::filesystem::path folder_of(std::int64_t step) const;

 private:
  /// Newest first.
  std::vector<std::int64_t> steps() const;
  void name_latest(const std::filesystem::path& folder) const;
  void remove_older(const TrainerState& state) const;
  /// Removes the checkpoints newer than `state`, which load() skipped as damaged.
  void remove_passed_over(const TrainerState& state) const;

  std::filesystem::path checkpoints_;
  std::int64_t keep_;
  FolderLock lock_;
};

}  // namespace multipl_moe
