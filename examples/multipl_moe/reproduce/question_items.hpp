/// Figures for questions that the paper leaves open: what probes of the trained models show.
#pragma once

#include <vector>

#include "multipl_moe/reproduce/item.hpp"
#include "multipl_moe/reproduce/probe_tables.hpp"
#include "multipl_moe/reproduce/run_scores.hpp"

namespace multipl_moe::reproduce {

/// step0: scores of the hybrid before and after its training; empty unless an untrained one was scored.
std::vector<Item> start_items(const AllScores& scores);

/// leak, lesions, experts and bypass, as far as there are tables. Rows with fewer seeds than the `planned` ones say so.
std::vector<Item> probe_items(const ProbeTables& tables, std::size_t planned);

/// bases: systems made from base models that have read more or less low-resource code; empty unless one of these other
/// base models was scored. Rows with fewer seeds than the `planned` ones say so.
std::vector<Item> base_items(const AllScores& scores, std::size_t planned);

}  // namespace multipl_moe::reproduce
