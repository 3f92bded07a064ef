/// Runs entries round after round and sums up what came out.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "bench/spread.hpp"
#include "bench/stopwatch.hpp"
#include "bench/suite.hpp"

namespace moe_bench {

/// The parts of a run and the run as a whole are timed apart. They agree when they differ by no more than this share.
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
  /// This one's rate divided by that of the dense FFN with as many operations.
  std::optional<double> of_dense;
  std::vector<PartResult> parts;
  /// What no part accounts for: the whole's median minus the sum of the parts' medians. Below 0 where noise, or what
  /// listening costs, makes the parts slower than the whole.
  double rest_seconds = 0;

  double rest_share() const { return seconds.median > 0 ? rest_seconds / seconds.median : 0; }
  bool parts_agree() const { return parts.empty() || std::abs(rest_share()) <= tolerance; }
};

struct Timing {
  int repetitions = 5;
  /// Seconds that a repetition of something short goes on for, in as many iterations as it takes.
  double repetition_seconds = 0.02;
};

/// One round measures every entry once, whole and by parts, one after the other; so what is compared is measured side
/// by side, and what disturbs the machine for a while disturbs all of it. A first round warms up and is not counted.
/// `progress` is told each round's number, from 0, before it begins.
std::vector<Result> measure(const Suite& suite, const Timing& timing, const std::function<void(int)>& progress);

}  // namespace moe_bench
