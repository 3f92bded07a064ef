/// Figures of the paper, as far as they are known here: paper.csv has them.
#pragma once

#include <cmath>
#include <string>
#include <string_view>
#include <vector>

namespace multipl_moe::reproduce {

struct PaperFigure {
  std::string item, system, benchmark;
  std::string languages;  ///< high, low, all or a language's name
  std::string statistic;  ///< pass@1; sum or mean of it over the languages
  double value = 0;       ///< in points of pass@1
};

/// The figures of paper.csv, as compiled into the program.
std::vector<PaperFigure> paper_figures();

/// How many standard errors two shares of `problems` independent answers are apart: below 2, another draw of answers
/// could reverse them. Shares in points.
inline double standard_errors_apart(double a, double b, double problems) {
  const auto variance = [problems](double points) { return points / 100 * (1 - points / 100) / problems; };
  return std::abs(a - b) / 100 / std::sqrt(variance(a) + variance(b));
}

}  // namespace multipl_moe::reproduce
