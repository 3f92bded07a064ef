/// In what precision AdamW keeps what it remembers of weights.
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

  /// Of both moments of one weight, and of what its master weight has beyond what the model computes with in float32.
  std::int64_t bytes() const {
    return (moments == Moments::float32 ? 8 : 4) + (master == moe::MasterWeights::split ? 2 : 0);
  }
  friend bool operator==(const AdamWPrecision&, const AdamWPrecision&) = default;
};

/// All six, those that keep most first.
inline constexpr std::array<AdamWPrecision, 6> all_adamw_precisions{{
    {moe::MasterWeights::float32, AdamWPrecision::Moments::float32},
    {moe::MasterWeights::float32, AdamWPrecision::Moments::bfloat16},
    {moe::MasterWeights::split, AdamWPrecision::Moments::float32},
    {moe::MasterWeights::split, AdamWPrecision::Moments::bfloat16},
    {moe::MasterWeights::bfloat16, AdamWPrecision::Moments::float32},
    {moe::MasterWeights::bfloat16, AdamWPrecision::Moments::bfloat16},
}};

/// What a user says for each, `split` and `bfloat16` among others.
inline constexpr std::array<std::string_view, 3> master_weight_names{"float32", "split", "bfloat16"};
inline constexpr std::array<std::string_view, 2> moment_names{"float32", "bfloat16"};

inline std::string_view name_of(moe::MasterWeights master) {
  return master_weight_names[static_cast<std::size_t>(master)];
}
inline std::string_view name_of(AdamWPrecision::Moments moments) {
  return moment_names[static_cast<std::size_t>(moments)];
}

}  // namespace multipl_moe
