#include "multipl_moe/reproduce/paper.hpp"

#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/reproduce/data_files.hpp"
#include "multipl_moe/reproduce/table_file.hpp"

namespace multipl_moe::reproduce {

std::vector<PaperFigure> paper_figures() {
  std::vector<PaperFigure> figures;
  for_each_row(paper_text, "paper.csv", "item,system,benchmark,languages,statistic,value", [&](const TableRow& row) {
    figures.push_back({row[0], row[1], row[2], row[3], row[4], row.number(5)});
  });
  return figures;
}

}  // namespace multipl_moe::reproduce
