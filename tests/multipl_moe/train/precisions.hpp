/// Every precision that AdamW's memory may have.
#pragma once

#include <vector>

#include "multipl_moe/model/adamw_precision.hpp"

namespace multipl_moe::testing {

inline std::vector<AdamWPrecision> all_precisions() {
  using enum moe::MasterWeights;
  std::vector<AdamWPrecision> all;
  for (const moe::MasterWeights master : {float32, split, bfloat16})
    for (const auto moments : {AdamWPrecision::Moments::float32, AdamWPrecision::Moments::bfloat16})
      all.push_back({master, moments});
  return all;
}

}  // namespace multipl_moe::testing
