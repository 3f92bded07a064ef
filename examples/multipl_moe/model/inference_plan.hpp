/// Memory plans for evaluation and generation, computed before anything is allocated.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "multipl_moe/io/free_memory.hpp"
#include "multipl_moe/io/model_config.hpp"
#include "multipl_moe/model/decoding_weights.hpp"
#include "multipl_moe/model/expert_spread.hpp"
#include "multipl_moe/model/model_dtype.hpp"

namespace multipl_moe {

/// Where inference reads a model's matrices.
enum class WeightsPlace {
  memory,  ///< in memory, in the model's type
  file,    ///< in the model's files (LanguageModel::read_in_place)
  device,  ///< in the memory of a GPU
};
/// A model's type, where its matrices are, and which of its experts are there.
struct WeightsForm {
  ModelDtype dtype = ModelDtype::float32;
  WeightsPlace place = WeightsPlace::memory;
  ExpertPart experts{};
};

/// A model's weights and buffers as load_model() holds them; with WeightsPlace::file those that are not in the files.
MemoryPart weights_in_memory(const ModelConfig& config, WeightsForm form = {});
/// The copies that decoding multiplies with, in addition to the weights: DecodingWeights::bfloat16 or int8.
MemoryPart copies_for_decoding(const ModelConfig& config, DecodingWeights copies);

/// Sizes for scoring the texts of held-out files batch by batch.
struct ScoringSize {
  std::int64_t sequences = 1;    ///< sequences per batch
  std::int64_t length = 1;       ///< tokens per sequence, T
  std::int64_t text_tokens = 0;  ///< tokens of the longest text, which is in memory as a whole
  bool is_observed = false;      ///< whether routing is observed, as by `trace`
  WeightsForm weights = {};
};
/// Activations are counted as float32, which operations on bfloat16 compute in. With WeightsPlace::device the plans are
/// of the GPU's memory, without texts, which are on the host.
std::vector<MemoryPart> scoring_plan(const ModelConfig& config, const ScoringSize& size);

/// Sizes for continuing prompts, up to `batch` at once.
struct GenerationSize {
  std::vector<std::int64_t> prompt_tokens;  ///< tokens of each prompt
  std::int64_t new_tokens = 0;              ///< maximum number of new tokens per prompt
  std::int64_t batch = 1;
  DecodingWeights copies = DecodingWeights::as_they_are;  ///< bfloat16 or int8: decodes with such copies
  WeightsForm weights = {};
};
/// Upper bound: assumes that every text grows to its limit.
std::vector<MemoryPart> generation_plan(const ModelConfig& config, const GenerationSize& size);

}  // namespace multipl_moe
