/// Rotary position embedding in Qwen's layout: channel i is rotated with channel i + head_dim / 2.
#pragma once

#include <cmath>
#include <vector>

#include "moe/core/view.hpp"
#include "multipl_moe/io/rotation_config.hpp"

namespace multipl_moe {

/// The angle per position of each pair of channels, in radians, and the factor of all sines and cosines.
struct RotaryFrequencies {
  std::vector<double> frequency;
  double magnitude = 1;
};

/// theta^(-2 i / head_dim) for channel i, scaled as `rotation` describes; dynamic scaling is that of a text of `length`
/// tokens.
RotaryFrequencies rotary_frequencies(const Rotation& rotation, moe::Index head_dim, moe::Index length);

/// cos and sin of position * frequency for every position from `first_position` on.
template <class Value>
class RotaryTable {
 public:
  RotaryTable(moe::Index positions, const RotaryFrequencies& turns, moe::Index first_position = 0)
      : half_(static_cast<moe::Index>(turns.frequency.size())) {
    cosine_.reserve(static_cast<std::size_t>(positions * half_));
    sine_.reserve(static_cast<std::size_t>(positions * half_));
    for (moe::Index p = 0; p < positions; ++p)
      for (const double f : turns.frequency) {
        const double angle = static_cast<double>(first_position + p) * f;
        cosine_.push_back(static_cast<Value>(turns.magnitude * std::cos(angle)));
        sine_.push_back(static_cast<Value>(turns.magnitude * std::sin(angle)));
      }
  }

  /// Rotates every head of a row by table entry `position`; `direction` is 1 forward, -1 for the inverse.
  void turn(moe::Row<Value> row, moe::Index position, Value direction) const {
    const Value* c = cosine_.data() + position * half_;
    const Value* s = sine_.data() + position * half_;
    for (Value* head = row.begin(); head != row.end(); head += 2 * half_)
      for (moe::Index i = 0; i < half_; ++i) {
        const Value a = head[i], b = head[i + half_];
        head[i] = a * c[i] - direction * b * s[i];
        head[i + half_] = b * c[i] + direction * a * s[i];
      }
  }

 private:
  moe::Index half_;
  std::vector<Value> cosine_, sine_;
};

}  // namespace multipl_moe
