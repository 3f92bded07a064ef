#include "multipl_moe/model/rotary.hpp"

#include <algorithm>
#include <numbers>

namespace multipl_moe {

namespace {

using Type = RotaryScaling::Type;

constexpr double pi = std::numbers::pi;

/// The base of dynamic scaling: theta (f L / P - f + 1)^(d / (d - 2)) for a text of L > P tokens.
double stretched_base(const Rotation& rotation, moe::Index head_dim, moe::Index length) {
  const RotaryScaling& s = rotation.scaling;
  if (length <= s.original_positions) return rotation.theta;
  const double stretch =
      s.factor * static_cast<double>(length) / static_cast<double>(s.original_positions) - (s.factor - 1);
  const auto d = static_cast<double>(head_dim);
  return rotation.theta * std::pow(stretch, d / (d - 2));
}

/// YaRN (arXiv 2309.00071, section 3.2): the channel that makes `turns` rotations within the pretraining length P, from
/// theta^(-2 i / d) P = 2 pi turns.
double channel_of(const Rotation& rotation, double head_dim, double turns) {
  const auto positions = static_cast<double>(rotation.scaling.original_positions);
  return head_dim * std::log(positions / (turns * 2 * pi)) / (2 * std::log(rotation.theta));
}

/// Blends each channel's frequency with the scaled one; the share of the scaled one is 0 up to channel `low`, 1 from
/// `high` on, and linear in between.
void stretch_by_yarn(const Rotation& rotation, moe::Index head_dim, std::vector<double>& frequency) {
  const RotaryScaling& s = rotation.scaling;
  const auto d = static_cast<double>(head_dim);
  double low = channel_of(rotation, d, s.beta_fast), high = channel_of(rotation, d, s.beta_slow);
  if (s.truncate) {
    low = std::floor(low);
    high = std::ceil(high);
  }
  low = std::max(low, 0.0);
  high = std::min(high, d - 1);
  if (low == high) high += 0.001;  // as in transformers, so that the ramp does not divide by 0
  for (std::size_t i = 0; i < frequency.size(); ++i) {
    const double stretched = std::clamp((static_cast<double>(i) - low) / (high - low), 0.0, 1.0);
    frequency[i] = frequency[i] / s.factor * stretched + frequency[i] * (1 - stretched);
  }
}

/// Llama 3.1: channels with fewer than `low_freq_factor` rotations within the pretraining length are scaled, those with
/// more than `high_freq_factor` are not; in between the share of the scaled frequency falls linearly.
void stretch_by_llama3(const RotaryScaling& s, std::vector<double>& frequency) {
  for (double& f : frequency) {
    const double turns = static_cast<double>(s.original_positions) * f / (2 * pi);
    const double kept = std::clamp((turns - s.low_freq_factor) / (s.high_freq_factor - s.low_freq_factor), 0.0, 1.0);
    f = (1 - kept) * f / s.factor + kept * f;
  }
}

}  // namespace

RotaryFrequencies rotary_frequencies(const Rotation& rotation, moe::Index head_dim, moe::Index length) {
  const RotaryScaling& s = rotation.scaling;
  const double base = s.type == Type::dynamic ? stretched_base(rotation, head_dim, length) : rotation.theta;
  RotaryFrequencies result;
  for (moe::Index i = 0; i < head_dim / 2; ++i)
    result.frequency.push_back(std::pow(base, -2.0 * static_cast<double>(i) / static_cast<double>(head_dim)));
  switch (s.type) {
    case Type::none:
    case Type::dynamic:
      break;
    case Type::linear:
      for (double& f : result.frequency) f /= s.factor;
      break;
    case Type::yarn:
      stretch_by_yarn(rotation, head_dim, result.frequency);
      result.magnitude = s.attention_factor;
      break;
    case Type::llama3:
      stretch_by_llama3(s, result.frequency);
      break;
  }
  return result;
}

}  // namespace multipl_moe
