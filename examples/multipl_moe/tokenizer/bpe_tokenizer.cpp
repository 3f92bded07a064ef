#include "multipl_moe/tokenizer/bpe_tokenizer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "multipl_moe/io/atomic_folder.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/hash.hpp"
#include "multipl_moe/tokenizer/merging.hpp"
#include "multipl_moe/tokenizer/tokenizer_json.hpp"
#include "multipl_moe/tokenizer/unicode.hpp"
#include "multipl_moe/tokenizer/word_cache.hpp"

namespace multipl_moe {

namespace {

std::vector<AddedToken> those(const std::vector<AddedToken>& added, bool normalized, bool nfc) {
  std::vector<AddedToken> chosen;
  for (const AddedToken& token : added)
    if (token.is_normalized == normalized) chosen.push_back(token);
  std::string storage;
  if (normalized && nfc)
    for (AddedToken& token : chosen) token.content = std::string(as_nfc(token.content, storage));
  return chosen;
}

std::vector<AddedToken> special_among(const std::vector<AddedToken>& added) {
  std::vector<AddedToken> chosen;
  for (const AddedToken& token : added)
    if (token.is_special) chosen.push_back(token);
  return chosen;
}

Token end_among(const std::vector<AddedToken>& added, const std::filesystem::path& path) {
  for (const AddedToken& token : added)
    if (token.content == end_of_text_name && token.is_special) return token.id;
  throw BadFile(path, fmt::format("there must be a special token {}, found none", end_of_text_name));
}

/// The hash of everything that determines ids, and nothing else: the same for tokenizer.json and for vocab.json with
/// merges.txt.
std::uint64_t hash_of_parts(const TokenizerParts& parts) {
  RunningHash hash;
  const auto add_number = [&hash](std::uint64_t number) { hash.add(std::as_bytes(std::span(&number, 1))); };
  const auto add_text = [&](std::string_view text) {
    add_number(text.size());
    hash.add(std::as_bytes(std::span(text)));
  };
  add_number(parts.vocabulary.size());
  for (Token token = 0; token < parts.vocabulary.size(); ++token) add_text(parts.vocabulary[token]);
  add_number(parts.merges.size());
  for (std::size_t rank = 0; rank < parts.merges.size(); ++rank) {
    add_number(parts.merges[rank].left);
    add_number(parts.merges[rank].right);
  }
  add_number(parts.added.size());
  for (const AddedToken& token : parts.added) {
    add_text(token.content);
    add_number(token.id);
    add_number((token.is_special ? 1 : 0) + (token.is_normalized ? 2 : 0));
  }
  add_text(parts.pattern);
  add_number(parts.is_nfc ? 1 : 0);
  return hash.value();
}

}  // namespace

/// The state of an encoding, which threads cannot share.
struct BpeTokenizer::Workspace {
  explicit Workspace(const WordSplitter& splitter) : walk(splitter) {}

  WordSplitter::Walk walk;
  WordCache cache;
  std::string valid, composed;
  std::vector<Token> word;
};

/// The encoding of one text.
class BpeTokenizer::Encoding {
 public:
  Encoding(const BpeTokenizer& tokenizer, Special special, Workspace& workspace)
      : tokenizer_(tokenizer), special_(special), workspace_(workspace) {}

  std::vector<Token> result(std::string_view text) {
    tokens_.reserve(text.size() / 3);
    around_added(tokenizer_.raw_, as_utf8(text, workspace_.valid), [this](std::string_view between) {
      const bool is_nfc = tokenizer_.parts_.is_nfc;
      around_added(tokenizer_.normalized_, is_nfc ? as_nfc(between, workspace_.composed) : between,
                   [this](std::string_view words) { add_words(words); });
    });
    return std::move(tokens_);
  }

 private:
  /// Appends the ids of added tokens, and calls `between` with the text between them.
  template <class Between>
  void around_added(const AddedTokenFinder& finder, std::string_view text, const Between& between) {
    std::size_t done = 0;
    for (std::size_t at = 0; at < text.size();) {
      const auto [begin, token] = finder.find(text, at);
      if (token == nullptr) break;
      at = begin + token->content.size();
      // As in other programs, no token is matched inside the name of a special token that is treated as text.
      if (token->is_special && special_ == Special::text) continue;
      if (begin > done) between(text.substr(done, begin - done));
      tokens_.push_back(token->id);
      done = at;
    }
    if (done < text.size()) between(text.substr(done));
  }

  void add_words(std::string_view text) {
    workspace_.walk.begin(text);
    for (std::size_t begin = 0; begin < text.size();) {
      const std::size_t end = workspace_.walk.next_end();
      add_word(text.substr(begin, end - begin));
      begin = end;
    }
  }

  void add_word(std::string_view word) {
    const auto place = WordCache::place_of(word);
    if (place)
      if (const auto known = workspace_.cache.find(*place, word); !known.empty()) {
        tokens_.insert(tokens_.end(), known.begin(), known.end());
        return;
      }
    std::vector<Token>& merged = workspace_.word;
    merged.clear();
    for (const char byte : word) merged.push_back(tokenizer_.of_byte_[static_cast<unsigned char>(byte)]);
    merge_neighbors(tokenizer_.parts_.merges, merged);
    if (place) workspace_.cache.keep(*place, word, merged);
    tokens_.insert(tokens_.end(), merged.begin(), merged.end());
  }

  const BpeTokenizer& tokenizer_;
  Special special_;
  Workspace& workspace_;
  std::vector<Token> tokens_;
};

BpeTokenizer::BpeTokenizer(TokenizerParts parts, const std::filesystem::path& path, std::vector<SourceFile> files)
    : parts_(std::move(parts)),
      name_(path.has_parent_path() ? path.parent_path().string() : "."),
      files_(std::move(files)),
      splitter_(parts_.pattern, path),
      raw_(those(parts_.added, false, parts_.is_nfc)),
      normalized_(those(parts_.added, true, parts_.is_nfc)),
      special_(special_among(parts_.added)),
      end_(end_among(parts_.added, path)),
      hash_(hash_of_parts(parts_)) {
  std::size_t tokens = parts_.vocabulary.size();
  for (const AddedToken& token : parts_.added) tokens = std::max(tokens, std::size_t{token.id} + 1);
  added_.resize(tokens);
  for (const AddedToken& token : parts_.added) added_[token.id] = &token;
  for (int byte = 0; byte < 256; ++byte) {
    const char text = static_cast<char>(byte);
    of_byte_.push_back(parts_.vocabulary.find(std::string_view(&text, 1)).value());
  }
}

BpeTokenizer::~BpeTokenizer() = default;

std::int64_t BpeTokenizer::vocab_size() const { return static_cast<std::int64_t>(added_.size()); }

std::unique_ptr<BpeTokenizer::Workspace> BpeTokenizer::take_workspace() const {
  {
    const std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      auto workspace = std::move(idle_.back());
      idle_.pop_back();
      return workspace;
    }
  }
  return std::make_unique<Workspace>(splitter_);
}

std::vector<Token> BpeTokenizer::encode_as(Special special, std::string_view text) const {
  auto workspace = take_workspace();
  auto tokens = Encoding(*this, special, *workspace).result(text);
  const std::lock_guard lock(mutex_);
  idle_.push_back(std::move(workspace));
  return tokens;
}

std::vector<Token> BpeTokenizer::encode(std::string_view text) const { return encode_as(Special::text, text); }

std::vector<Token> BpeTokenizer::encode_with_special(std::string_view text) const {
  return encode_as(Special::token, text);
}

std::vector<TextPart> BpeTokenizer::split_at_special(std::string_view text) const {
  std::vector<TextPart> parts;
  for (std::size_t done = 0; done < text.size();) {
    const auto [begin, token] = special_.find(text, done);
    if (begin > done) parts.push_back({text.substr(done, begin - done)});
    if (token != nullptr) parts.push_back({text.substr(begin, token->content.size()), token->id});
    done = token != nullptr ? begin + token->content.size() : text.size();
  }
  return parts;
}

std::string_view BpeTokenizer::said_by(Token token) const {
  if (token >= added_.size()) return {};
  if (const AddedToken* const added = added_[token]) return added->is_special ? std::string_view() : added->content;
  return parts_.vocabulary[token];
}

std::string BpeTokenizer::decode(std::span<const Token> tokens) const {
  std::string text;
  text.reserve(4 * tokens.size());
  for (const Token token : tokens) text += said_by(token);
  return text;
}

std::int64_t BpeTokenizer::byte_length(Token token) const { return std::ssize(said_by(token)); }

void BpeTokenizer::write_files(const std::filesystem::path& folder) const {
  for (const SourceFile& file : files_) write_file_atomically(folder / file.name, file.bytes);
  if (files_.empty()) write_file_atomically(folder / "tokenizer.json", tokenizer_json_text(parts_));
}

}  // namespace multipl_moe
