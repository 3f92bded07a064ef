#pragma once

#include <string>

#include "moe/layers/presets.hpp"

namespace moe {

/// What a configuration says of a layer: names of the parts, and their settings. An empty name means the architecture's
/// own part.
struct Composition {
  /// Name of an architecture.
  std::string architecture = "multipl-moe";
  /// Name of a router.
  std::string router{};
  /// Name of a segmenter.
  std::string segmenter{};
  /// Name of a fusion.
  std::string fusion{};
  /// Sizes, and settings of the parts.
  MultiPlSettings settings{};
  /// Inner channels of qwen1.5-moe's shared expert; 0: it has none.
  Index shared_hidden = 0;
  /// Whether qwen1.5-moe divides the gates of a row's experts by their sum.
  bool normalized_gates = false;
  /// Whether the balance loss leaves out the shared expert.
  bool balance_over_routed = false;
  /// Room of gshard's experts in training, in multiples of an even share of the choices; 0: no limit.
  double expert_capacity = 0;
  /// Whether gshard keeps a row's further choices by chance in training.
  bool random_choice = false;
  /// r of lora's adapters.
  Index lora_rank = 8;
  /// alpha of lora's adapters.
  double lora_alpha = 16;
  /// Languages, ranks and alphas of mole's adapters.
  MoleSettings mole{};
  /// Name of the experts and of a dense FFN; empty: swiglu.
  std::string expert{};
};

}  // namespace moe
