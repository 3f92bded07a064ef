/// Figures of the paper, as far as they are known here: paper.csv has them.
#pragma once

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

}  // namespace multipl_moe::reproduce
