/// What using a model takes, worked out before anything is allocated.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "multipl_moe/io/free_memory.hpp"
#include "multipl_moe/io/model_config.hpp"

namespace multipl_moe {

/// A model's weights and buffers as load_model() holds them, in float32.
MemoryPart weights_in_memory(const ModelConfig& config);
/// What is beside them while decoding multiplies with copies in bfloat16 (DecodingWeights).
MemoryPart bfloat16_copies(const ModelConfig& config);

/// Texts of held-out files that are scored batch by batch.
struct ScoringSize {
  std::int64_t sequences = 1;    ///< in a batch
  std::int64_t length = 1;       ///< T
  std::int64_t text_tokens = 0;  ///< of the longest text, which is in memory as a whole
  bool is_observed = false;      ///< as trace does
};
std::vector<MemoryPart> scoring_plan(const ModelConfig& config, const ScoringSize& size);

/// Prompts that are continued, up to `batch` at once.
struct GenerationSize {
  std::vector<std::int64_t> prompt_tokens;  ///< of each
  std::int64_t new_tokens = 0;              ///< of each, at most
  std::int64_t batch = 1;
  bool has_copies = false;  ///< decodes with copies of the weights in bfloat16
};
/// From above: as if every text grew to its limit.
std::vector<MemoryPart> generation_plan(const ModelConfig& config, const GenerationSize& size);

}  // namespace multipl_moe
