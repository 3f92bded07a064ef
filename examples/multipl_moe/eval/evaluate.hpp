/// Held-out metrics of a model by language.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "multipl_moe/data/batch_stream.hpp"
#include "multipl_moe/data/evaluation_text.hpp"
#include "multipl_moe/model/language_model.hpp"

namespace multipl_moe {

struct LanguageScore {
  double loss = 0;           ///< nats per token
  double bits_per_byte = 0;  ///< of text
  double accuracy = 0;       ///< share of tokens that were the most probable next token
  std::int64_t tokens = 0;
};

/// Scores by language; empty for languages without text.
using Evaluation = std::array<std::optional<LanguageScore>, language_count>;

struct EvaluateOptions {
  std::int64_t sequences = 4;      ///< sequences per batch: affects models whose experts choose across the batch
  std::int64_t length = 256;       ///< tokens per sequence, T
  std::int64_t max_bytes = 65536;  ///< bytes of text per language; 0: all
  std::int64_t max_sequences = 0;  ///< sequences per language; 0: all
};

/// Scores consecutive sequences of each language's file: the same text for every model.
/// On several ranks all call it together, each with the same model and files, and share the batches; every rank returns
/// the result, which is bitwise identical to that of one rank. Spread experts process the rows of all ranks at a time,
/// and results differ from those of one rank by rounding. Throws BadFile if a file holds less than one sequence;
/// moe::CommError, after which every rank must end.
Evaluation evaluate(const LanguageModel& model, const LanguageFiles& files, const EvaluateOptions& options,
                    const RunRanks* ranks = nullptr);

/// The mean of bits_per_byte over the scored languages of `resource`; NaN if there are none.
double mean_bits_per_byte(const Evaluation& evaluation, Resource resource);

}  // namespace multipl_moe
