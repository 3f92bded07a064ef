/// The fixed texts on which models are compared.
#pragma once

#include <cstdint>
#include <vector>

#include "multipl_moe/data/token_file.hpp"
#include "multipl_moe/tokenizer/tokenizer.hpp"

namespace multipl_moe {

/// Limits of an evaluation text; 0: no limit.
struct EvaluationLimits {
  std::int64_t bytes = 0;            ///< of text in total
  std::int64_t document_tokens = 0;  ///< of each document, from its beginning
  std::int64_t sequences = 0;
};

/// Consecutive sequences of a held-out file: the same for every model that reads it.
struct EvaluationText {
  std::int64_t sequences = 0;
  std::int64_t length = 0;     ///< T
  std::vector<Token> tokens;   ///< [sequences, T]
  std::vector<Token> targets;  ///< [sequences, T]: the token after each of `tokens`
  std::int64_t bytes = 0;      ///< of the targets' text, the divisor of a loss per byte
};

/// The documents in the file's order, with an end-of-text after each, cut into sequences of `length`; an incomplete
/// last sequence is dropped. Throws BadFile if there is not a single sequence, UsageError if length < 1; as
/// TokenFile::read().
EvaluationText evaluation_text(const TokenFile& file, std::int64_t length, const EvaluationLimits& limits,
                               const Tokenizer& tokenizer);

}  // namespace multipl_moe
