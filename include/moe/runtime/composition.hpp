#pragma once

#include <string>

#include "moe/layers/presets.hpp"

namespace moe {

/// Configuration of a layer: names of its parts and their settings. An empty name means the architecture's default.
struct Composition {
  /// Name of the architecture.
  std::string architecture = "multipl-moe";
  /// Name of the router.
  std::string router{};
  /// Name of the segmenter.
  std::string segmenter{};
  /// Name of the fusion.
  std::string fusion{};
  /// Sizes and settings of the parts.
  MultiPlSettings settings{};
  /// Inner channels of qwen1.5-moe's shared expert; 0: no shared expert.
  Index shared_hidden = 0;
  /// Whether qwen1.5-moe normalizes the gates of a row's experts to sum to 1.
  bool normalized_gates = false;
  /// Whether the balance loss excludes the shared expert.
  bool balance_over_routed = false;
  /// Whether the f of the balance loss counts the choices of all ranks (spans_ranks).
  bool global_balance = false;
  /// Capacity factor of gshard's experts in training, a multiple of an even share of the choices; 0: no limit.
  double expert_capacity = 0;
  /// Whether gshard keeps a row's choices after the first at random in training.
  bool random_choice = false;
  /// Rank r of lora's adapters.
  Index lora_rank = 8;
  /// alpha of lora's adapters.
  double lora_alpha = 16;
  /// Number of languages, ranks and alphas of mole's adapters.
  MoleSettings mole{};
  /// Name of the expert type, also of a dense FFN; empty: swiglu.
  std::string expert{};
};

}  // namespace moe
