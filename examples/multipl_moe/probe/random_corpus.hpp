/// Random text as a corpus for `prepare`.
#pragma once

#include <cstdint>
#include <filesystem>

#include "multipl_moe/probe/random_text.hpp"

namespace multipl_moe::probe {

struct RandomCorpus {
  Alphabet alphabet = alphabets.front();
  std::int64_t lines = 65536;  ///< rounded up to whole files of the same size for each language
  std::uint64_t seed = 0;
};

/// Lines of a file: below the limit of `prepare` for a source file.
inline constexpr std::int64_t lines_of_file = 1024;

/// Writes source files of random lines, as many of each language, so that every command that mixes languages reads
/// them. Returns the number of files. Throws IoError.
std::int64_t write_random_corpus(const RandomCorpus& corpus, const std::filesystem::path& folder);

}  // namespace multipl_moe::probe
