/// The results of `probe lesion` as text.
#pragma once

#include <string>

#include "multipl_moe/probe/lesion.hpp"

namespace multipl_moe::probe {

/// A page in Markdown: what each kind of experts is worth in each language, and how frequency and cost go together.
std::string lesion_page(const LesionReport& report, const std::string& model);

/// Lines of kind,layer,expert,language,bits_per_byte,cost,share. The intact model has the kind `none`; layer and expert
/// are empty for all experts of a kind; cost is in bits per byte more than the intact model's; share is the fraction of
/// rows (tokens or segments) that the expert processes, empty where no router tells.
std::string lesion_csv(const LesionReport& report);
/// The costs as a matrix: kind,layer,expert and a column for each language. Empty without lesions of single experts.
std::string lesion_matrix_csv(const LesionReport& report);
std::string lesion_json(const LesionReport& report);

}  // namespace multipl_moe::probe
