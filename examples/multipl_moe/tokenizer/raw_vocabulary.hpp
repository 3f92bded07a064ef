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

/// Tokens and merges as spelled in the files, in any order, before they are validated. Uses no more memory than the
/// files and 12 bytes per entry; there are at most 2^19 tokens and 2^19 merges.
class RawVocabulary {
 public:
  /// Throws BadFile, which names `path`, if the number of entries, an id or the length of a token exceeds its limit.
  void add_token(std::string_view text, std::uint64_t id, const std::filesystem::path& path);
  void add_merge(std::string_view left, std::string_view right, const std::filesystem::path& path);
  /// A merge as one string: its two tokens with a space between them.
  void add_merge(std::string_view both, const std::filesystem::path& path);

  /// The tokens by id. An entry with the content and id of one of `added`, which are sorted by id, is taken literally.
  /// Throws BadFile if ids are not 0, 1, 2, ... each once, if a token occurs twice or is not spelled in the byte-level
  /// alphabet, or if a byte is not a token.
  Vocabulary vocabulary(const std::vector<AddedToken>& added, const std::filesystem::path& path);
  /// The merges by rank. Throws BadFile if a token or the merged token of a pair is not in `vocabulary`, or if a pair
  /// occurs twice.
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
