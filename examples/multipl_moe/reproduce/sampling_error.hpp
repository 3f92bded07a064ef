/// The error of a score that comes from drawing one answer for each problem.
#pragma once

namespace multipl_moe::reproduce {

/// The variance, in points squared, of the mean pass@1 over `languages`, each with `problems` independent answers.
/// `mean`: of the languages, in points. If they differ, this is the largest variance that they can have: x (1 - x) is
/// concave.
inline double sampling_variance(double mean, double languages, double problems) {
  return mean * (100 - mean) / (problems * languages);
}

}  // namespace multipl_moe::reproduce
