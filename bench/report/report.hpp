/// The same results for people (table) and for programs (csv, jsonl).
#pragma once

#include <string>
#include <vector>

#include "bench/measure.hpp"

namespace moe_bench {

/// What a figure depends on besides the code.
struct Machine {
  std::string cpu, simd, compiler, eigen;
  int cores = 0, threads = 0;
  /// Running and waiting processes, over the last minute, when the benchmark began: above 0.5 others were at work.
  double load = 0;
};
Machine this_machine(int threads);

struct Report {
  Machine machine;
  Timing timing;
  std::vector<Result> results;
};

/// Layers with their parts, then operations, by shape.
std::string as_table(const Report& report);
/// A line of names, then one for each whole ("whole"), each part, and the rest ("rest"); what is unknown is empty.
std::string as_csv(const Report& report);
/// A line that describes the machine, then one for each entry, with its parts inside.
std::string as_jsonl(const Report& report);

}  // namespace moe_bench
