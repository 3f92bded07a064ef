/// metrics.jsonl: one line of JSON for each step of a run. Besides the step's numbers, `held_out` has the losses by
/// language if the step was evaluated, and `load` the experts' load: for `token` and `segment` the lists
/// `max_over_mean`, `entropy` (of the load, normalized: 1 is even) and `dropped`, with one number per layer.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

#include "multipl_moe/io/file.hpp"
#include "multipl_moe/train/progress.hpp"

namespace multipl_moe {

class Metrics {
 public:
  /// Writes to `run`/metrics.jsonl after its lines of steps 1 to `steps_done`; the lines after them are cut off, and a
  /// notice reports if some of them are missing. With an empty path nothing is written. Throws BadFile, IoError.
  explicit Metrics(const std::filesystem::path& run, std::int64_t steps_done = 0);

  /// Writes a step's line. `skipped`: the step was skipped because its loss or gradient was not finite. Throws IoError.
  void add(const StepReport& report, bool skipped);

  /// Waits until all lines are on the disk. Throws IoError.
  void sync();
  /// As sync(); nothing can be added after it. Throws IoError.
  void close();

 private:
  std::optional<CheckedFile> file_;
};

}  // namespace multipl_moe
