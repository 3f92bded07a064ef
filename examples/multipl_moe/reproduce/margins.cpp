#include "multipl_moe/reproduce/margins.hpp"

#include <fmt/format.h>

#include <cmath>

#include "multipl_moe/reproduce/claims.hpp"
#include "multipl_moe/reproduce/paper.hpp"
#include "multipl_moe/reproduce/sampling_error.hpp"
#include "multipl_moe/reproduce/score_matrix.hpp"

namespace multipl_moe::reproduce {

namespace {

/// The variance of a figure in points squared.
double variance_of(const PaperFigure& figure) {
  const auto languages = static_cast<double>(languages_of_group(figure.languages).size());
  if (figure.statistic != "sum") return sampling_variance(figure.value, languages, papers_problems);
  return languages * languages * sampling_variance(figure.value / languages, languages, papers_problems);
}

bool is_beside(const PaperFigure& a, const PaperFigure& b) {
  return a.item == b.item && a.benchmark == b.benchmark && a.languages == b.languages && a.statistic == b.statistic &&
         a.system != b.system && !b.system.starts_with("difference") && !b.system.starts_with("loss");
}

}  // namespace

std::vector<PapersMargin> papers_margins() {
  std::vector<PapersMargin> margins;
  const std::vector<PaperFigure> figures = paper_figures();
  for (const PaperFigure& a : figures) {
    if (a.system != "multipl-moe" || a.benchmark != "humaneval") continue;
    for (const PaperFigure& b : figures) {
      if (!is_beside(a, b)) continue;
      const double error = std::sqrt(variance_of(a) + variance_of(b));
      margins.push_back(
          {a.item, a.languages, a.statistic, a.system, b.system, a.value, b.value, error, (a.value - b.value) / error});
    }
  }
  return margins;
}

Item margins_item() {
  Item item{.name = "margins",
            .title = "The paper's own differences beside their sampling error",
            .note =
                "The standard error of a difference on HumanEval if each of its 161 problems had one answer in each "
                "language, and answers are independent of each other; z is the difference over it. For sums and means "
                "the largest error that languages with this sum can have. Below 2, another draw of answers could "
                "reverse the order. The paper does not say how many answers it drew: with 20 of each problem the part "
                "of the error that comes from drawing is smaller, and that of choosing the problems is not.",
            .made_of = "paper.csv, which is compiled into the program",
            .columns = {"item", "languages", "statistic", "a", "b", "a's", "b's", "difference", "standard error", "z"},
            .rows = {},
            .csv = "item,languages,statistic,a,b,value_a,value_b,difference,problems,standard_error,z\n",
            .picture = {}};
  for (const PapersMargin& m : papers_margins()) {
    const double difference = m.value_a - m.value_b;
    item.rows.push_back(
        {{m.item, m.languages, m.statistic, title_of_system(m.a), title_of_system(m.b), fmt::format("{}", m.value_a),
          fmt::format("{}", m.value_b), fmt::format("{:+.4g}", difference), fmt::format("{:.1f}", m.standard_error),
          fmt::format("{:.2f}", m.z)},
         true});
    item.csv += fmt::format("{},{},{},{},{},{},{},{:.6g},{},{:.6g},{:.6g}\n", m.item, m.languages, m.statistic, m.a,
                            m.b, m.value_a, m.value_b, difference, papers_problems, m.standard_error, m.z);
  }
  return item;
}

}  // namespace multipl_moe::reproduce
