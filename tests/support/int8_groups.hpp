#pragma once

#include <algorithm>
#include <cmath>

#include "moe/core/bfloat16.hpp"
#include "moe/core/int8_groups.hpp"
#include "moe/core/view.hpp"

namespace moe::testing {

/// Rounds a weight as Int8Groups says, value by value.
template <class Backend>
void round_to_int8_groups(View<float, Backend> weight) {
  for (Index r = 0; r < weight.rows; ++r)
    for (Index begin = 0; begin < weight.cols; begin += Int8Groups::size) {
      const Index end = std::min(begin + Int8Groups::size, weight.cols);
      float largest = 0;
      for (Index c = begin; c < end; ++c) largest = std::max(largest, std::abs(weight(r, c)));
      const float exact = largest / 127;
      BFloat16 scale(exact);
      if (static_cast<float>(scale) < exact) ++scale.bits;
      const auto s = static_cast<float>(scale);
      for (Index c = begin; c < end; ++c) weight(r, c) = s == 0 ? 0 : std::nearbyint(weight(r, c) / s) * s;
    }
}

}  // namespace moe::testing
