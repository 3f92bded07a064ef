/// Runs entries in rounds and summarizes their times.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "bench/spread.hpp"
#include "bench/stopwatch.hpp"
#include "bench/suite.hpp"

namespace moe_bench {

/// The parts of a run and the whole run are timed separately. They agree if they differ by at most this share.
inline constexpr double tolerance = 0.10;

struct PartResult {
  Part part;
  Spread seconds;
  double share = 0;  // of the whole's median
};

struct Result {
  Entry entry;
  Spread seconds;  // of one iteration, over the repetitions
  int repetitions = 0;
  std::optional<double> flops_per_second, bytes_per_second;
  /// FLOP rate divided by that of the dense FFN with the same number of operations.
  std::optional<double> of_dense;
  std::vector<PartResult> parts;
  /// Time outside of all parts: the whole's median minus the sum of the parts' medians. Negative if noise, or the cost
  /// of the phase listener, makes the parts slower than the whole.
  double rest_seconds = 0;

  double rest_share() const { return seconds.median > 0 ? rest_seconds / seconds.median : 0; }
  bool parts_agree() const { return parts.empty() || std::abs(rest_share()) <= tolerance; }
};

struct Timing {
  int repetitions = 5;
  /// Minimum seconds per repetition; short passes are iterated to reach it.
  double repetition_seconds = 0.02;
};

/// Each round measures every entry once, whole and by parts, one after the other, so that a temporary disturbance of
/// the machine affects all entries. The first round is a warm-up and is not counted. `progress` is called with the
/// number of each round, from 0, before the round begins.
std::vector<Result> measure(const Suite& suite, const Timing& timing, const std::function<void(int)>& progress);

}  // namespace moe_bench
