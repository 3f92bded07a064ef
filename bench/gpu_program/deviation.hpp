/// The largest of some deviations.
#pragma once

#include <cmath>
#include <limits>
#include <string>

namespace gpu_program {

/// The largest deviation so far, and what has it. One that is no number is larger than all others.
struct LargestDeviation {
  double value = 0;
  std::string what = "nothing";

  void add(double deviation, const std::string& of) {
    if (std::isnan(deviation)) deviation = std::numeric_limits<double>::infinity();
    if (deviation > value) value = deviation, what = of;
  }
};

}  // namespace gpu_program
