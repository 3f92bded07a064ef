#pragma once

#include <cstdint>

#include "moe/core/requirements.hpp"

namespace moe {

/// Number or index of rows, columns and elements. 64 bits: one batch of the paper's logits has 9.96e9 elements.
using Index = std::int64_t;

/// Choice order of an expert for a row: 0 not selected, 1 first choice, 2 second choice, and so on.
using ChoiceOrder = std::int32_t;

}  // namespace moe
