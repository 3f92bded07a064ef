/// The comparison with which the processes of a command begin.
#pragma once

#include "multipl_moe/model/run_ranks.hpp"
#include "multipl_moe/train/run_settings.hpp"

namespace multipl_moe {

/// Throws UsageError, which names a process and the values that differ, unless all ranks run the same program on the
/// same kind of CPU with these settings. All ranks call it together.
void require_same(const RunRanks& ranks, RunSettings settings);

}  // namespace multipl_moe
