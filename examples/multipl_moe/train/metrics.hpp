/// metrics.jsonl: one line of JSON for each step of a run.
#pragma once

#include <filesystem>
#include <memory>

#include "multipl_moe/io/file.hpp"
#include "multipl_moe/train/progress.hpp"

namespace multipl_moe {

class Metrics {
 public:
  /// Starts `run`/metrics.jsonl anew; an empty path writes nothing. Throws IoError.
  explicit Metrics(const std::filesystem::path& run);

  /// `skipped`: the step was not taken because something was not finite. Throws IoError.
  void add(const StepReport& report, bool skipped);

 private:
  std::unique_ptr<CheckedFile> file_;
};

}  // namespace multipl_moe
