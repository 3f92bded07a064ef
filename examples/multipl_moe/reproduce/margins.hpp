/// The paper's own differences beside the error of drawing one answer for each problem.
#pragma once

#include <string>
#include <vector>

#include "multipl_moe/reproduce/item.hpp"

namespace multipl_moe::reproduce {

/// A difference between two systems of the paper on HumanEval.
struct PapersMargin {
  std::string item, languages, statistic;
  std::string a, b;                 ///< systems
  double value_a = 0, value_b = 0;  ///< points of pass@1
  /// Of the difference, in points, if each of 161 problems has one answer in each language and answers are independent.
  /// Of a sum or a mean, whose parts are not known, the largest that it can be.
  double standard_error = 0;
  double z = 0;  ///< the difference over its standard error
};

/// The number of problems of HumanEval in MultiPL-E.
inline constexpr double papers_problems = 161;

/// MultiPL-MoE beside every other system of paper.csv that has the same figure.
std::vector<PapersMargin> papers_margins();

/// margins: without a picture.
Item margins_item();

}  // namespace multipl_moe::reproduce
