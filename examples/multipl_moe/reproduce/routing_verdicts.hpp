/// The claims about routing, measured on traces.
#pragma once

#include <vector>

#include "multipl_moe/reproduce/routed_sequences.hpp"
#include "multipl_moe/reproduce/verdicts.hpp"

namespace multipl_moe::reproduce {

/// The claim's measure in each of its groups of languages, without a verdict; position agreement has all its languages
/// in one comparison. Empty ones are not measured. `resamples`: also of permutations. Throws UsageError if the traces
/// of a layer have other numbers of sequences in different seeds: they are not of the same text.
std::vector<JudgedComparison> measure_routing(const Claim& claim, const AllRouting& routing, std::int64_t resamples);

}  // namespace multipl_moe::reproduce
