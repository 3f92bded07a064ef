/// metrics.jsonl: one line of JSON for each step of a run. Beside the step's numbers `held_out` has the losses by
/// language of steps that were evaluated, and `load` the experts' load: for `token` and `segment` the lists
/// `max_over_mean`, `entropy` (of the load, 1 is even) and `dropped`, with a number for each layer.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

#include "multipl_moe/io/file.hpp"
#include "multipl_moe/train/progress.hpp"

namespace multipl_moe {

class Metrics {
 public:
  /// Writes to `run`/metrics.jsonl, after the lines of steps 1 to `steps_done` that are there; whatever follows them is
  /// cut off, and a notice says where some of them are missing. An empty path writes nothing. Throws BadFile, IoError.
  explicit Metrics(const std::filesystem::path& run, std::int64_t steps_done = 0);

  /// `skipped`: the step was not taken because something was not finite. Throws IoError.
  void add(const StepReport& report, bool skipped);

  /// Waits until all lines are on the disk. Throws IoError.
  void sync();
  /// As sync(); nothing can be added after it. Throws IoError.
  void close();

 private:
  std::optional<CheckedFile> file_;
};

}  // namespace multipl_moe
