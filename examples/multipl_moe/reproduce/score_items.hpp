/// The paper's tables and figures of scores, and ours of parts of the problems.
#pragma once

#include <vector>

#include "multipl_moe/reproduce/item.hpp"
#include "multipl_moe/reproduce/run_scores.hpp"

namespace multipl_moe::reproduce {

/// table1, figure1, table2, figure5 and bits: those of which a system was scored.
std::vector<Item> score_items(const AllScores& scores);

/// gains: what each system wins on low-resource languages and loses on high-resource ones, over the base model of its
/// seed. Empty without a base.
std::vector<Item> gain_items(const AllScores& scores);

/// levels and strata: scores of parts of the exercises, of which all systems have some.
std::vector<Item> part_items(const AllScores& scores);

}  // namespace multipl_moe::reproduce
