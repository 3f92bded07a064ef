/// Output formats of the results: table to read, csv and jsonl for programs.
#pragma once

#include <string>
#include <vector>

#include "bench/measure.hpp"

namespace moe_bench {

/// The machine, on which results depend besides the code.
struct Machine {
  std::string cpu, simd, compiler, eigen;
  int cores = 0, threads = 0;
  /// Load average of the last minute when the benchmark began: above 0.5, other processes were running.
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
/// A line of column names, then one for each whole ("whole"), each part, and the rest ("rest"); unknown values are
/// empty.
std::string as_csv(const Report& report);
/// A line that describes the machine, then one for each entry, with its parts inside.
std::string as_jsonl(const Report& report);

}  // namespace moe_bench
