#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "multipl_moe/data/splits.hpp"
#include "multipl_moe/tokenizer/tokenizer_parts.hpp"

namespace multipl_moe {

struct TokenizerTraining {
  std::vector<std::filesystem::path> sources;  ///< folders of source files
  std::int64_t vocab_size = 32'768;            ///< bytes and special tokens included
  int digits = 1;                              ///< most digits of a token, up to most_digits
  std::int64_t max_bytes = 0;                  ///< of each language's text; 0: all
  HeldOut held_out{};                          ///< as in prepare
};

struct TrainedTokenizer {
  TokenizerParts parts;
  std::int64_t files = 0;  ///< number of files in the training text
  std::int64_t bytes = 0;
};

/// Trains on the text that prepare would use for training: the train split of split_documents(), with a limit the first
/// documents of each language. The result depends only on the bytes and the extensions of the files. Throws UsageError,
/// BadFile, Failure, IoError; OutOfMemory if there are too many distinct words.
TrainedTokenizer train_tokenizer(const TokenizerTraining& options);

}  // namespace multipl_moe
