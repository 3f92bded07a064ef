#include "multipl_moe/train/run_checkpoints.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <functional>
#include <optional>
#include <system_error>

#include "multipl_moe/io/atomic_folder.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/file.hpp"
#include "multipl_moe/io/manifest.hpp"
#include "multipl_moe/io/notice.hpp"
#include "multipl_moe/train/checkpoint.hpp"
#include "multipl_moe/train/tensor_files.hpp"

namespace multipl_moe {

namespace fs = std::filesystem;

namespace {

constexpr const char* optimizer_stem = "optimizer";
constexpr const char* state_name = "trainer_state.json";
constexpr std::uint64_t largest_state = std::uint64_t{1} << 20;

std::string name_of_step(std::int64_t step) { return fmt::format("step-{:06}", step); }

/// The step in a checkpoint's name; 0 for any other name.
std::int64_t step_named(const std::string& name) {
  constexpr std::string_view prefix = "step-";
  std::int64_t step = 0;
  if (!name.starts_with(prefix)) return 0;
  std::from_chars(name.data() + prefix.size(), name.data() + name.size(), step);
  return name == name_of_step(step) ? step : 0;
}

std::vector<std::int64_t> steps_in(const fs::path& checkpoints) {
  std::vector<std::int64_t> steps;
  std::error_code failed;
  if (!fs::is_directory(checkpoints, failed)) return steps;
  for (const std::string& name : file_names_in(checkpoints))
    if (const std::int64_t step = step_named(name); step > 0) steps.push_back(step);
  std::sort(steps.begin(), steps.end(), std::greater<>());
  return steps;
}

}  // namespace

std::vector<std::int64_t> checkpoint_steps(const fs::path& run) {
  std::vector<std::int64_t> steps = steps_in(run / "checkpoints");
  std::reverse(steps.begin(), steps.end());
  return steps;
}

fs::path checkpoint_folder(const fs::path& run, std::int64_t step) { return run / "checkpoints" / name_of_step(step); }

namespace {

/// Checks the run's folder against `start` and creates it, which is necessary before it can be locked. Returns `run`.
const fs::path& made_ready(const fs::path& run, RunStart start) {
  const auto steps = steps_in(run / "checkpoints");
  if (start == RunStart::fresh && !steps.empty())
    throw UsageError(
        fmt::format("[{}] a new run's folder must hold no checkpoint, found {}; --resume continues that run, with a "
                    "larger --steps even if it is finished; another --output starts a new run",
                    escaped(run.native()), name_of_step(steps.front())));
  if (start == RunStart::resume && steps.empty())
    throw BadFile(run, "must hold a checkpoint to resume from, found none; without --resume a new run starts here");
  create_folders(run);
  return run;
}

TrainerState read_trainer_state(const fs::path& folder) {
  const fs::path path = folder / state_name;
  return parse_trainer_state(read_whole_file(path, largest_state), path);
}

TrainerState load_checkpoint(const fs::path& folder, std::int64_t step) {
  check_manifest(folder);
  TrainerState state = read_trainer_state(folder);
  if (state.step != step)
    throw BadFile(folder / state_name,
                  fmt::format("global_step must be {} as in the folder's name, found {}", step, state.step));
  return state;
}

void require_same_run(const fs::path& folder, const RunSettings& begun_with, const RunSettings& asked_for) {
  const std::string different = differences(begun_with, asked_for);
  if (!different.empty())
    throw UsageError(
        fmt::format("[{}] a run must resume with the settings that it began with, found other values:\n{}"
                    "Give the original values, or start a new run in another --output without --resume",
                    escaped(folder.native()), different));
}

void require_steps_left(const fs::path& folder, std::int64_t done, const RunSettings& asked_for) {
  const auto asked = number_of_steps(asked_for);
  if (asked && *asked < done)
    throw UsageError(fmt::format("[{}] {} must be at least the {} that are already done, found {}",
                                 escaped(folder.native()), steps_flag, done, *asked));
}

TrainerState load_from(const fs::path& folder, std::int64_t step, LanguageModel& model,
                       const std::vector<TensorRef>& optimizer_state, const RunSettings& settings) {
  TrainerState state = load_checkpoint(folder, step);
  require_same_run(folder, state.settings, settings);
  require_steps_left(folder, state.step, settings);
  read_weights(model, folder);
  read_state(open_tensors(folder, optimizer_stem), optimizer_state);
  return state;
}

bool is_full_disk(int error_number) {
  return error_number == ENOSPC || error_number == EDQUOT || error_number == EFBIG;
}

}  // namespace

namespace {

/// The settings of the newest checkpoint whose state can be read; empty if there is none. RunCheckpoints::load() skips
/// the others too, with a notice.
std::optional<RunSettings> newest_settings(const fs::path& run) {
  for (const std::int64_t step : steps_in(run / "checkpoints")) {
    try {
      return read_trainer_state(run / "checkpoints" / name_of_step(step)).settings;
    } catch (const BadFile&) {
    } catch (const IoError&) {
    }
  }
  return std::nullopt;
}

}  // namespace

ModelConfig config_of_run(ModelConfig config, const fs::path& run) {
  if (!config.tie_word_embeddings) return config;
  const auto settings = newest_settings(run);
  if (!settings || !has_own_head(*settings)) return config;
  config.tie_word_embeddings = false;
  notice(
      "note: {} trains lm_head.weight separately from model.embed_tokens.weight since its first step and continues "
      "to do so; a new run of this model trains them as one weight\n",
      run.native());
  return config;
}

ExpertPlacement placement_of_run(const fs::path& run) {
  const auto settings = newest_settings(run);
  return settings ? placement_in(*settings) : ExpertPlacement::everywhere;
}

RunCheckpoints::RunCheckpoints(fs::path run, RunStart start, std::int64_t keep)
    : checkpoints_(run / "checkpoints"), keep_(keep), lock_(made_ready(run, start)) {
  if (keep < 1) throw UsageError(fmt::format("[--keep-checkpoints] must be at least 1 checkpoint, found {}", keep));
  std::error_code failed;
  if (start == RunStart::replace && fs::exists(checkpoints_, failed)) remove_folder(checkpoints_);
  create_folders(checkpoints_);
  remove_leftovers(checkpoints_);
}

fs::path RunCheckpoints::folder_of(std::int64_t step) const { return checkpoints_ / name_of_step(step); }

std::vector<std::int64_t> RunCheckpoints::steps() const { return steps_in(checkpoints_); }

TrainerState load_run_checkpoint(const fs::path& run, std::int64_t step, LanguageModel& model,
                                 const std::vector<TensorRef>& optimizer_state, const RunSettings& settings) {
  return load_from(run / "checkpoints" / name_of_step(step), step, model, optimizer_state, settings);
}

TrainerState RunCheckpoints::load(LanguageModel& model, const std::vector<TensorRef>& optimizer_state,
                                  const RunSettings& settings) const {
  for (const std::int64_t step : steps()) {
    const fs::path folder = folder_of(step);
    TrainerState state;
    try {
      state = load_from(folder, step, model, optimizer_state, settings);
    } catch (const BadFile& error) {
      notice("warning: {} is damaged and skipped: {}\n", folder.native(), error.what());
      continue;
    } catch (const IoError& error) {
      notice("warning: {} cannot be read and is skipped: {}\n", folder.native(), error.what());
      continue;
    }
    name_latest(folder);
    remove_older(state);
    return state;
  }
  throw BadFile(checkpoints_,
                "must hold a valid checkpoint to resume from, found none; start a new run in another --output without "
                "--resume");
}

fs::path RunCheckpoints::save(const LanguageModel& model, const ModelTensors& tensors,
                              const TrainerState& state) const {
  const fs::path folder = folder_of(state.step);
  const std::string state_text = to_json_text(state);
  std::uint64_t bytes = 0;
  try {
    save_folder_atomically(folder, [&](const fs::path& partial) {
      const SaveOptions options{.torch_dtype = std::string(name_of(model.dtype()))};
      ShardedWriter weights = weights_writer(tensors.tensors, partial, options);
      ShardedWriter optimizer(partial, optimizer_stem, planned_state(tensors.optimizer_state));
      bytes = weights.total_bytes() + optimizer.total_bytes() + state_text.size();
      require_free_disk(partial, bytes);
      write_model_files(model, tensors.tensors, partial, weights, options);
      write_state(optimizer, tensors.optimizer_state);
      CheckedFile file(partial / state_name);
      file.write(state_text);
      file.close();
    });
    name_latest(folder);
  } catch (const IoError& error) {
    if (!is_full_disk(error.error_number())) throw;
    throw IoError(folder, "save", error.error_number(), bytes);
  }
  remove_older(state);
  remove_passed_over(state);
  return folder;
}

void RunCheckpoints::name_latest(const fs::path& folder) const {
  write_file_atomically(checkpoints_ / "LATEST", folder.filename().native() + "\n");
}

void RunCheckpoints::remove_older(const TrainerState& state) const {
  std::int64_t kept = 0;
  for (const std::int64_t step : steps()) {
    if (step > state.step) continue;
    const bool is_last_good = state.skipped_in_a_row > 0 && step == state.last_good_step;
    if (kept++ >= keep_ && !is_last_good) remove_folder(folder_of(step));
  }
}

void RunCheckpoints::remove_passed_over(const TrainerState& state) const {
  for (const std::int64_t step : steps())
    if (step > state.step) remove_folder(folder_of(step));
}

}  // namespace multipl_moe
