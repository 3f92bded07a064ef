/// The fixed texts that models are compared on.
#pragma once

#include <cstdint>
#include <vector>

#include "multipl_moe/data/token_file.hpp"
#include "multipl_moe/tokenizer/tokenizer.hpp"

namespace multipl_moe {

/// Where an evaluation text ends; 0 is no limit.
struct EvaluationLimits {
  std::int64_t bytes = 0;            ///< of text in all
  std::int64_t document_tokens = 0;  ///< taken from any one document, its first ones
  std::int64_t sequences = 0;
};

/// Consecutive sequences of a held-out file: the same for every model that reads it.
struct EvaluationText {
  std::int64_t sequences = 0;
  std::int64_t length = 0;     ///< T
  std::vector<Token> tokens;   ///< [sequences, T]
  std::vector<Token> targets;  ///< [sequences, T]: the token after each of `tokens`
  std::int64_t bytes = 0;      ///< of text that the targets stand for: what a loss is divided by
};

/// The documents in the file's order with an end-of-text after each, cut into sequences of
/// `length`; the last one, if it is not full, is dropped.
/// Throws BadFile where there is not one sequence, UsageError where length < 1; as TokenFile::read().
EvaluationText evaluation_text(const TokenFile& file, std::int64_t length, const EvaluationLimits& limits,
                               const Tokenizer& tokenizer);

}  // namespace multipl_moe
