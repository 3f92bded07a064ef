#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <string_view>

#include "moe/core/host_device.hpp"
#include "moe/core/index.hpp"

namespace moe {

/// Identifies one stream of random numbers. Equal keys give equal numbers on every backend, in any order of access.
struct RandomKey {
  /// Seed of the run.
  std::uint64_t seed = 0;
  /// Training step.
  std::uint32_t step = 0;
  /// Layer number, or the hash of a name.
  std::uint32_t layer = 0;
};

/// Identifies all random numbers of one forward pass in training; a member of Batch. Two passes of a run need different
/// keys, otherwise they draw the same numbers. A pass that is recomputed (activation checkpointing) needs the same key.
struct StepKey {
  /// Seed of the run.
  std::uint64_t seed = 0;
  /// Number of the pass: counts training steps, or micro-batches if a step has several.
  Index step = 0;

  /// The key of layer number `layer` in this pass.
  constexpr RandomKey of_layer(std::uint32_t layer) const {
    const auto bits = static_cast<std::uint64_t>(step);
    // RandomKey has the lower 32 bits of the step. The upper 32 bits change the seed, so that no two steps draw the
    // same numbers.
    return {seed ^ ((bits >> 32) * 0x9E3779B97F4A7C15u), static_cast<std::uint32_t>(bits), layer};
  }
  /// Whether both identify the same numbers.
  friend bool operator==(const StepKey&, const StepKey&) = default;
};

/// `count` words of 32 bits.
template <std::size_t count>
struct Words {
  /// The words.
  std::uint32_t word[count];

  /// Word i.
  MOE_HOST_DEVICE std::uint32_t operator[](std::size_t i) const { return word[i]; }
  /// Whether all words are equal.
  friend bool operator==(const Words&, const Words&) = default;
};

/// Philox4x32-10 (Salmon et al., SC 2011): four random words, a function of key and counter only.
MOE_HOST_DEVICE inline Words<4> philox(Words<4> counter, Words<2> key) {
  constexpr std::uint64_t multiplier_0 = 0xD2511F53u, multiplier_1 = 0xCD9E8D57u;
  constexpr std::uint32_t weyl_0 = 0x9E3779B9u, weyl_1 = 0xBB67AE85u;
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t product_0 = multiplier_0 * counter[0], product_1 = multiplier_1 * counter[2];
    counter = {static_cast<std::uint32_t>(product_1 >> 32) ^ counter[1] ^ key[0], static_cast<std::uint32_t>(product_1),
               static_cast<std::uint32_t>(product_0 >> 32) ^ counter[3] ^ key[1],
               static_cast<std::uint32_t>(product_0)};
    key = {key[0] + weyl_0, key[1] + weyl_1};
  }
  return counter;
}

/// Four random words for entry `index` of the stream `key`.
MOE_HOST_DEVICE inline Words<4> random_words(RandomKey key, std::uint64_t index) {
  return philox({static_cast<std::uint32_t>(index), static_cast<std::uint32_t>(index >> 32), key.step, key.layer},
                {static_cast<std::uint32_t>(key.seed), static_cast<std::uint32_t>(key.seed >> 32)});
}

/// Uniform in the open interval (0, 1), from 52 of 64 random bits.
MOE_HOST_DEVICE inline double unit_interval(std::uint32_t high, std::uint32_t low) {
  const std::uint64_t bits = (static_cast<std::uint64_t>(high) << 32 | low) >> 12;
  return (static_cast<double>(bits) + 0.5) * 0x1p-52;
}

/// Entry `index` of the stream as a uniform number in (0, 1).
MOE_HOST_DEVICE inline double random_uniform(RandomKey key, std::uint64_t index) {
  const auto words = random_words(key, index);
  return unit_interval(words[0], words[1]);
}

/// Entry `index` of the stream as a standard normal number (Box-Muller).
MOE_HOST_DEVICE inline double random_normal(RandomKey key, std::uint64_t index) {
  const auto words = random_words(key, index);
  const double radius = std::sqrt(-2 * std::log(unit_interval(words[0], words[1])));
  return radius * std::cos(2 * std::numbers::pi * unit_interval(words[2], words[3]));
}

/// FNV-1a hash of a name, so that a weight's initial values depend on its name and not on its position in a walk.
constexpr std::uint32_t name_hash(std::string_view name) {
  std::uint32_t hash = 2166136261u;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619u;
  return hash;
}

}  // namespace moe
