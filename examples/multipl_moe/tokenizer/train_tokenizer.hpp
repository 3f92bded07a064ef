#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "multipl_moe/tokenizer/tokenizer_parts.hpp"

namespace multipl_moe {

struct TokenizerTraining {
  std::vector<std::filesystem::path> sources;  ///< folders of source files
  std::int64_t vocab_size = 32'768;            ///< with bytes and special tokens
  std::int64_t max_bytes = 0;                  ///< of each language's text; 0: all
};

struct TrainedTokenizer {
  TokenizerParts parts;
  std::int64_t files = 0;  ///< learned from
  std::int64_t bytes = 0;
};

/// Learns from the source files that prepare would take: those that pass its filters, each text once. With a limit, a
/// language's files come in the order of a hash of their names, so that the first ones are of all folders.
/// The result depends on the files' bytes and names alone. Throws UsageError, Failure, IoError.
TrainedTokenizer train_tokenizer(const TokenizerTraining& options);

}  // namespace multipl_moe
