/// Rotary position embedding in Qwen's layout: channel i turns with channel i + half.
#pragma once

#include <cmath>
#include <vector>

#include "moe/core/view.hpp"

namespace multipl_moe {

/// cos and sin of position * theta^(-2 i / head_dim) for every position below `positions`.
template <class Value>
class RotaryTable {
 public:
  RotaryTable(moe::Index positions, moe::Index head_dim, double theta, moe::Index first_position = 0)
      : half_(head_dim / 2) {
    cosine_.reserve(static_cast<std::size_t>(positions * half_));
    sine_.reserve(static_cast<std::size_t>(positions * half_));
    std::vector<double> frequency;
    for (moe::Index i = 0; i < half_; ++i)
      frequency.push_back(std::pow(theta, -2.0 * static_cast<double>(i) / static_cast<double>(head_dim)));
    for (moe::Index p = 0; p < positions; ++p)
      for (const double f : frequency) {
        const double angle = static_cast<double>(first_position + p) * f;
        cosine_.push_back(static_cast<Value>(std::cos(angle)));
        sine_.push_back(static_cast<Value>(std::sin(angle)));
      }
  }

  /// Turns every head of a row at table entry `position`; `direction` 1 forward, -1 back.
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
