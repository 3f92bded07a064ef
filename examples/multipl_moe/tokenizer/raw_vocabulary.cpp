#include "multipl_moe/tokenizer/raw_vocabulary.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/tokenizer/byte_alphabet.hpp"

namespace multipl_moe {

namespace {

constexpr std::size_t most_entries = std::size_t{1} << 19;
constexpr std::size_t longest_token = 1024;

void check_length(std::string_view text, const std::filesystem::path& path) {
  if (text.empty() || text.size() > longest_token)
    throw BadFile(path, fmt::format("a token must have 1 to {} bytes, found {} in '{}'", longest_token, text.size(),
                                    escaped(text)));
}

Token found_in(const Vocabulary& vocabulary, std::string_view bytes, std::string_view what, std::size_t rank,
               const std::filesystem::path& path) {
  if (const auto token = vocabulary.find(bytes)) return *token;
  throw BadFile(path,
                fmt::format("merge {}: {} must be in the vocabulary, found '{}'", rank, what, escaped(spelled(bytes))));
}

}  // namespace

void RawVocabulary::add_token(std::string_view text, std::uint64_t id, const std::filesystem::path& path) {
  check_length(text, path);
  if (entries_.size() == most_entries)
    throw BadFile(path, fmt::format("there must be at most {} tokens", most_entries));
  if (id >= most_entries)
    throw BadFile(path,
                  fmt::format("a token's id must be below {}, found {} for '{}'", most_entries, id, escaped(text)));
  entries_.push_back(
      {static_cast<std::uint32_t>(text_.size()), static_cast<std::uint32_t>(text.size()), static_cast<Token>(id)});
  text_ += text;
}

void RawVocabulary::add_merge(std::string_view left, std::string_view right, const std::filesystem::path& path) {
  check_length(left, path);
  check_length(right, path);
  if (pairs_.size() == most_entries) throw BadFile(path, fmt::format("there must be at most {} merges", most_entries));
  pairs_.push_back({static_cast<std::uint32_t>(text_.size()), static_cast<std::uint32_t>(left.size()),
                    static_cast<std::uint32_t>(right.size())});
  text_ += left;
  text_ += right;
}

void RawVocabulary::add_merge(std::string_view both, const std::filesystem::path& path) {
  const std::size_t space = both.find(' ');
  if (space == both.npos || both.find(' ', space + 1) != both.npos)
    throw BadFile(path, fmt::format("merge {}: must be two tokens and one space between them, found '{}'",
                                    pairs_.size(), escaped(both)));
  add_merge(both.substr(0, space), both.substr(space + 1), path);
}

std::string RawVocabulary::bytes_of(const Entry& entry, const std::vector<AddedToken>& added,
                                    const std::filesystem::path& path) const {
  std::string text(text_of(entry));
  const auto named = std::lower_bound(added.begin(), added.end(), entry.id,
                                      [](const AddedToken& token, Token id) { return token.id < id; });
  if (named != added.end() && named->id == entry.id && named->content == text) return text;
  if (!unspell(text))
    throw BadFile(path, fmt::format("a token must be spelled in the byte-level alphabet, found {}: '{}'", entry.id,
                                    escaped(text)));
  return text;
}

Vocabulary RawVocabulary::vocabulary(const std::vector<AddedToken>& added, const std::filesystem::path& path) {
  std::sort(entries_.begin(), entries_.end(), [](const Entry& left, const Entry& right) { return left.id < right.id; });
  Vocabulary vocabulary;
  vocabulary.reserve(entries_.size());
  for (const Entry& entry : entries_) {
    if (entry.id != vocabulary.size())
      throw BadFile(path, fmt::format("token ids must be 0, 1, 2, ... each once, found {} where {} was next: '{}'",
                                      entry.id, vocabulary.size(), escaped(text_of(entry))));
    if (!vocabulary.append(bytes_of(entry, added, path)))
      throw BadFile(path, fmt::format("a token must occur once, found '{}' twice", escaped(text_of(entry))));
  }
  for (int byte = 0; byte < 256; ++byte)
    if (const char text = static_cast<char>(byte); !vocabulary.find(std::string_view(&text, 1)))
      throw BadFile(path, fmt::format("every byte must be a token, found none of byte {}, '{}'", byte,
                                      spelled(std::string_view(&text, 1))));
  return vocabulary;
}

MergeTable RawVocabulary::merges(const Vocabulary& vocabulary, const std::filesystem::path& path) const {
  MergeTable merges;
  merges.reserve(pairs_.size());
  std::string left, right;
  for (std::size_t rank = 0; rank < pairs_.size(); ++rank) {
    const Pair& pair = pairs_[rank];
    left.assign(text_, pair.begin, pair.left_bytes);
    right.assign(text_, pair.begin + pair.left_bytes, pair.right_bytes);
    if (!unspell(left) || !unspell(right))
      throw BadFile(path, fmt::format("merge {}: must be spelled in the byte-level alphabet, found '{}'", rank,
                                      escaped(std::string_view(text_).substr(
                                          pair.begin, std::size_t{pair.left_bytes} + pair.right_bytes))));
    const Token first = found_in(vocabulary, left, "its left token", rank, path);
    const Token second = found_in(vocabulary, right, "its right token", rank, path);
    if (!merges.append({first, second, found_in(vocabulary, left + right, "its merged token", rank, path)}))
      throw BadFile(path, fmt::format("merge {}: a pair of tokens must occur once, found '{} {}' again", rank,
                                      escaped(spelled(left)), escaped(spelled(right))));
  }
  return merges;
}

}  // namespace multipl_moe
