#pragma once

#include <cstdint>

#include "moe/core/requirements.hpp"

namespace moe {

/// Counts rows, columns and elements. 64 bits: one batch of the paper's logits has 9.96e9 elements.
using Index = std::int64_t;

/// The order in which a row chose an expert: 0 not chosen, 1 its first choice, 2 its second, and so on.
using ChoiceOrder = std::int32_t;

}  // namespace moe
