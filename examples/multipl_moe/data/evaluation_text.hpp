/// The fixed texts that models are compared on.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "multipl_moe/data/token_file.hpp"

namespace multipl_moe {

/// Where an evaluation text ends; 0 is no limit.
struct EvaluationLimits {
  std::int64_t bytes = 0;            ///< of text in all
  std::int64_t document_tokens = 0;  ///< taken from any one document, its first ones
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
/// `length`; the last one, if it is not full, is dropped. `byte_length` gives a token's bytes.
/// Throws BadFile where there is not one sequence, UsageError where length < 1; as TokenFile::read().
EvaluationText evaluation_text(const TokenFile& file, std::int64_t length, const EvaluationLimits& limits,
                               Token end_of_text, const std::function<std::int64_t(Token)>& byte_length);

}  // namespace multipl_moe
