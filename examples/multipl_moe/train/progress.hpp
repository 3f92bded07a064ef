/// The one line that says how a run is going.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace multipl_moe {

struct StepReport {
  std::int64_t step = 0;   ///< from 1
  std::int64_t total = 0;  ///< steps of the run
  double loss = 0;         ///< nats per token
  double auxiliary = 0;    ///< weighted balance loss and z-loss, summed over layers
  double rate = 0;         ///< learning rate
  double gradient_norm = 0;
  double tokens_per_second = 0;
  std::int64_t memory_bytes = 0;  ///< resident now
  double seconds_left = 0;
};

/// `step 120/50354  loss 1.234  aux 0.010  lr 6.9e-06  gnorm 0.41  12.3k tok/s  mem 3.1 GiB  ETA 3h12m`
std::string progress_line(const StepReport& report);

/// `950`, `12.3k`, `1.20M`.
std::string short_count(double count);
/// `42s`, `3m05s`, `3h12m`.
std::string short_duration(double seconds);
/// Bytes of this process in memory; 0 where the system does not say.
std::int64_t resident_bytes();

/// Writes progress to stderr: on a terminal one line, redrawn at most 10 times a second; elsewhere a plain line every
/// `every` steps and at the last; nothing where `every` is 0.
class Progress {
 public:
  Progress(std::string label, std::int64_t every);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void show(const StepReport& report);
  /// Ends the line that is being redrawn, so that other text can follow.
  void finish_line();

 private:
  std::string label_;
  std::int64_t every_;
  bool terminal_;
  bool line_open_ = false;
  std::chrono::steady_clock::time_point drawn_{};
};

}  // namespace multipl_moe
