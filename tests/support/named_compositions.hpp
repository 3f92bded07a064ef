/// Small layers that a Registry makes by name: one composition for each architecture and fusion, and a batch for them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "moe/core/batch.hpp"
#include "moe/runtime/composition.hpp"

namespace moe::testing {

inline constexpr MultiPlSettings small_settings{.width = 24,
                                                .hidden = 20,
                                                .token_experts = 3,
                                                .segment_experts = 3,
                                                .k = 2,
                                                .shared = 1,
                                                .window = 4,
                                                .minimum_window = 2,
                                                .boundary = 0,
                                                .cap = 2};

inline const std::vector<std::int32_t> tokens_of_two = {1, 2, 0, 1, 1, 1, 0, 0, 2, 2, 2, 2, 2};
inline const std::vector<std::int32_t> languages_of_two = {-1, 0, 0, 1, 1, 1, 0, 0, 1, -1, 1, 0, 1};

/// Two sequences of 8 and 5 rows, with tokens, languages and a key.
inline Batch batch_of_two() {
  Batch batch = Batch::ragged({8, 5});
  batch.tokens = tokens_of_two;
  batch.languages = languages_of_two;
  batch.random = {.seed = 4, .step = 2};
  return batch;
}

inline Composition composed(const std::string& architecture, const std::string& fusion = {}) {
  Composition composition{
      .architecture = architecture, .fusion = fusion, .settings = small_settings, .shared_hidden = 28};
  composition.lora_rank = 3;
  composition.mole = {.languages = 2, .language_rank = 2, .shared_rank = 3};
  return composition;
}

/// Every architecture of the registry, and every fusion.
template <class Registry>
std::vector<Composition> every_composition(const Registry& registry) {
  std::vector<Composition> compositions;
  for (const std::string& architecture : registry.architectures()) compositions.push_back(composed(architecture));
  for (const char* fusion : {"normalized", "scalar", "channel", "matrix"})
    compositions.push_back(composed("causal-multipl-moe", fusion));
  return compositions;
}

}  // namespace moe::testing
