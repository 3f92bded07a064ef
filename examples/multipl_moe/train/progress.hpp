/// The progress line of a run.
#pragma once

#include <chrono>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "multipl_moe/data/language.hpp"
#include "multipl_moe/eval/routing_tally.hpp"

namespace multipl_moe {

/// Losses on held-out text by language, in nats per token.
using HeldOutLosses = std::vector<std::pair<Language, double>>;
/// Mean over languages; NaN if there are none.
double mean_of(const HeldOutLosses& losses);

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
  HeldOutLosses held_out{};  ///< after the step; empty if the step was not evaluated
  RoutingLoads loads{};      ///< of the step's forward passes
};

/// `step 120/50354  loss 1.234  aux 0.010  lr 6.9e-06  gnorm 0.41  12.3k tok/s  mem 3.10 GiB  ETA 3h12m`; with
/// `held-out 1.345` after `loss 1.234` if `held_out` is not NaN.
std::string progress_line(const StepReport& report, double held_out = std::numeric_limits<double>::quiet_NaN());

/// `950`, `12.3k`, `1.20M`.
std::string short_count(double count);
/// `42s`, `3m05s`, `3h12m`.
std::string short_duration(double seconds);

/// A line on stderr that is redrawn at most 10 times a second if stderr is a terminal; otherwise plain lines.
class LiveLine {
 public:
  LiveLine();
  ~LiveLine();
  LiveLine(const LiveLine&) = delete;
  LiveLine& operator=(const LiveLine&) = delete;

  bool is_terminal() const { return terminal_; }
  /// On a terminal, replaces the line; otherwise writes it if `plain` or `last` is true. `last` ends the line.
  void show(const std::string& text, bool plain, bool last);
  /// Ends the line that is being redrawn, so that other text can follow.
  void finish();

 private:
  bool terminal_;
  bool open_ = false;
  std::chrono::steady_clock::time_point drawn_{};
};

/// A run's progress: on a terminal a live line, otherwise a plain line every `every` steps and at the last step;
/// nothing if `every` is 0.
class Progress {
 public:
  Progress(std::string label, std::int64_t every) : label_(std::move(label)), every_(every) {}

  void show(const StepReport& report);
  /// Ends the line that is being redrawn, so that other text can follow.
  void finish_line() { line_.finish(); }

 private:
  std::string label_;
  std::int64_t every_;
  double held_out_ = std::numeric_limits<double>::quiet_NaN();  ///< the newest mean
  LiveLine line_;
};

/// Progress by bytes: `upcycle 3.2 of 21.5 GB  410 MB/s  ETA 44s`; plain lines every 5 seconds.
class ByteProgress {
 public:
  ByteProgress(std::string label, std::uint64_t total) : label_(std::move(label)), total_(total) {}

  void add(std::uint64_t bytes);

 private:
  std::string label_;
  std::uint64_t total_, done_ = 0;
  double next_plain_ = 5;  ///< seconds from the start
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  LiveLine line_;
};

}  // namespace multipl_moe
