#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "multipl_moe/data/splits.hpp"
#include "multipl_moe/tokenizer/tokenizer_parts.hpp"

namespace multipl_moe {

struct TokenizerTraining {
  std::vector<std::filesystem::path> sources;  ///< folders of source files
  std::int64_t vocab_size = 32'768;            ///< with bytes and special tokens
  std::int64_t max_bytes = 0;                  ///< of each language's text; 0: all
  HeldOut held_out{};                          ///< as in prepare
};

struct TrainedTokenizer {
  TokenizerParts parts;
  std::int64_t files = 0;  ///< learned from
  std::int64_t bytes = 0;
};

/// Learns from the text that prepare would train on: the train split of split_documents(), with a limit the first ones
/// of each language. The result depends on the files' bytes and extensions alone. Throws UsageError, BadFile, Failure,
/// IoError; OutOfMemory where the different words are too many.
TrainedTokenizer train_tokenizer(const TokenizerTraining& options);

}  // namespace multipl_moe
