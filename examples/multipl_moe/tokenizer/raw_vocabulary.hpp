#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "multipl_moe/tokenizer/added_tokens.hpp"
#include "multipl_moe/tokenizer/merge_table.hpp"
#include "multipl_moe/tokenizer/vocabulary.hpp"

namespace multipl_moe {

/// Tokens and merges as files spell them, in any order, before anything of them is believed. Takes no more memory than
/// the files and 12 bytes for each entry, of which there are at most 2^19.
class RawVocabulary {
 public:
  /// Throws BadFile naming `path` beyond the limits: numbers of entries and a token's length.
  void add_token(std::string_view text, std::uint64_t id, const std::filesystem::path& path);
  void add_merge(std::string_view left, std::string_view right, const std::filesystem::path& path);
  /// A merge as one text, its two tokens with one space between them.
  void add_merge(std::string_view both, const std::filesystem::path& path);

  /// The tokens by number. Throws BadFile where numbers are not 0, 1, 2, ... each once, a token comes twice or is not
  /// spelled in the byte-level alphabet, or a byte is no token. What has the name and number of one of `added`, which
  /// are sorted by number, stands for itself.
  Vocabulary vocabulary(const std::vector<AddedToken>& added, const std::filesystem::path& path);
  /// The merges by rank. Throws BadFile where a token or what two of them become is not in `vocabulary`, or two merge
  /// twice.
  MergeTable merges(const Vocabulary& vocabulary, const std::filesystem::path& path) const;

 private:
  struct Entry {
    std::uint32_t begin, bytes;
    Token id;
  };
  struct Pair {
    std::uint32_t begin, left_bytes, right_bytes;
  };

  std::string_view text_of(const Entry& entry) const {
    return std::string_view(text_).substr(entry.begin, entry.bytes);
  }
  std::string bytes_of(const Entry& entry, const std::vector<AddedToken>& added,
                       const std::filesystem::path& path) const;

  std::string text_;
  std::vector<Entry> entries_;
  std::vector<Pair> pairs_;
};

}  // namespace multipl_moe
