/// Precision of AdamW's state: master weights and moments.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "moe/core/master_weights.hpp"

namespace multipl_moe {

struct AdamWPrecision {
  enum class Moments { float32, bfloat16 };

  moe::MasterWeights master = moe::MasterWeights::float32;
  Moments moments = Moments::float32;

  /// Bytes of optimizer state per weight: both moments, and the lower 16 bits of a split master weight. The weight
  /// itself, which the model holds in its own type, is not included.
  std::int64_t bytes() const {
    return (moments == Moments::float32 ? 8 : 4) + (master == moe::MasterWeights::split ? 2 : 0);
  }
  friend bool operator==(const AdamWPrecision&, const AdamWPrecision&) = default;
};

/// All six combinations, by master weights and then moments, the most precise first.
inline constexpr std::array<AdamWPrecision, 6> all_adamw_precisions{{
    {moe::MasterWeights::float32, AdamWPrecision::Moments::float32},
    {moe::MasterWeights::float32, AdamWPrecision::Moments::bfloat16},
    {moe::MasterWeights::split, AdamWPrecision::Moments::float32},
    {moe::MasterWeights::split, AdamWPrecision::Moments::bfloat16},
    {moe::MasterWeights::bfloat16, AdamWPrecision::Moments::float32},
    {moe::MasterWeights::bfloat16, AdamWPrecision::Moments::bfloat16},
}};

/// Values of --master-weights and --moments, in the order of the enums.
inline constexpr std::array<std::string_view, 3> master_weight_names{"float32", "split", "bfloat16"};
inline constexpr std::array<std::string_view, 2> moment_names{"float32", "bfloat16"};

inline std::string_view name_of(moe::MasterWeights master) {
  return master_weight_names[static_cast<std::size_t>(master)];
}
inline std::string_view name_of(AdamWPrecision::Moments moments) {
  return moment_names[static_cast<std::size_t>(moments)];
}

}  // namespace multipl_moe
