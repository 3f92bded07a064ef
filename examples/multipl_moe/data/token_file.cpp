#include "multipl_moe/data/token_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "multipl_moe/data/token_layout.hpp"
#include "multipl_moe/io/counted.hpp"
#include "multipl_moe/io/errors.hpp"

namespace multipl_moe {

namespace {

/// Reads `tokens` of `Stored` from byte `offset`, in pieces, and checks them against the vocabulary: the file may have
/// changed since open().
template <class Stored>
void read_stored(const InputFile& file, std::uint64_t offset, std::uint64_t vocab_size, std::span<Token> tokens) {
  std::array<Stored, 4096> piece;
  while (!tokens.empty()) {
    const std::size_t count = std::min(tokens.size(), piece.size());
    file.read_at(offset, std::as_writable_bytes(std::span(piece).first(count)));
    for (std::size_t i = 0; i < count; ++i) {
      if (piece[i] >= vocab_size)
        throw BadFile(file.path(), offset + i * sizeof(Stored),
                      fmt::format("a token must be below the vocabulary's {}, found {}", vocab_size, piece[i]));
      tokens[i] = piece[i];
    }
    tokens = tokens.subspan(count);
    offset += count * sizeof(Stored);
  }
}

void read_tokens(const InputFile& file, std::uint64_t begin, std::uint64_t vocab_size, std::span<Token> tokens) {
  const std::uint64_t width = token_bytes_for(vocab_size);
  const std::uint64_t offset = sizeof(TokenHeader) + begin * width;
  if (width == 2)
    read_stored<std::uint16_t>(file, offset, vocab_size, tokens);
  else
    read_stored<std::uint32_t>(file, offset, vocab_size, tokens);
}

TokenHeader read_header(const InputFile& file) {
  const auto fail = [&file](std::uint64_t offset, const std::string& reason) {
    throw BadFile(file.path(), offset, reason);
  };
  TokenHeader header;
  if (file.size() < sizeof header)
    fail(0, fmt::format("a token file has at least {} bytes, found {}", sizeof header, file.size()));
  file.read_at(0, std::as_writable_bytes(std::span(&header, 1)));
  if (header.magic != TokenHeader().magic) fail(0, "a token file must begin with \"moetoks\\n\"");
  if (header.version != 1) fail(8, fmt::format("the version must be 1, found {}", header.version));
  if (header.vocab_size == 0 || header.vocab_size > largest_vocab)
    fail(16, fmt::format("the vocabulary must have 1 to 2^32 tokens, found {}", header.vocab_size));
  if (header.token_bytes != token_bytes_for(header.vocab_size))
    fail(12, fmt::format("tokens of a vocabulary of {} have {}, found {}", header.vocab_size,
                         counted(token_bytes_for(header.vocab_size), "bytes"), header.token_bytes));
  // The first two conditions bound both counts by the file's size, so that the sum in the third cannot overflow.
  const std::uint64_t body = file.size() - sizeof header;
  if (header.documents > body / 8 || header.tokens > body / header.token_bytes ||
      header.tokens * header.token_bytes + (header.documents + 1) * 8 != body)
    fail(32, fmt::format("{} and {} of {} must fill the file's {}", counted(header.documents, "documents"),
                         counted(header.tokens, "tokens"), counted(header.token_bytes, "bytes"),
                         counted(file.size(), "bytes")));
  return header;
}

void check_sum(const InputFile& file, const TokenHeader& header) {
  std::vector<std::byte> piece(std::size_t{1} << 18);
  RunningHash hash;
  for (std::uint64_t at = sizeof header; at < file.size();) {
    const auto bytes = std::span(piece).first(std::min<std::uint64_t>(piece.size(), file.size() - at));
    file.read_at(at, bytes);
    hash.add(bytes);
    at += bytes.size();
  }
  hash.add(checked_part(header));
  if (hash.value() != header.checksum)
    throw BadFile(file.path(), 48,
                  fmt::format("the checksum must be that of the contents, {:016x}, found {:016x}", hash.value(),
                              header.checksum));
}

std::vector<std::int64_t> read_offsets(const InputFile& file, const TokenHeader& header) {
  std::vector<std::int64_t> offsets(header.documents + 1);
  const std::uint64_t at = sizeof header + header.tokens * header.token_bytes;
  file.read_at(at, std::as_writable_bytes(std::span(offsets)));
  for (std::size_t i = 1; i < offsets.size(); ++i)
    if (offsets[i] <= offsets[i - 1])
      throw BadFile(file.path(), at + 8 * i,
                    fmt::format("documents must not be empty, found one from {} to {}", offsets[i - 1], offsets[i]));
  if (offsets.front() != 0 || offsets.back() != static_cast<std::int64_t>(header.tokens))
    throw BadFile(file.path(), at,
                  fmt::format("documents must cover tokens 0 to {}, found {} to {}", header.tokens, offsets.front(),
                              offsets.back()));
  return offsets;
}

void check_tokens(const InputFile& file, const TokenHeader& header) {
  std::vector<Token> piece(65'536);
  for (std::uint64_t at = 0; at < header.tokens; at += piece.size())
    read_tokens(file, at, header.vocab_size,
                std::span(piece).first(std::min<std::uint64_t>(piece.size(), header.tokens - at)));
}

}  // namespace

TokenFile::TokenFile(InputFile file, std::int64_t vocab_size, std::uint64_t tokenizer_hash, std::uint64_t checksum,
                     std::vector<std::int64_t> offsets)
    : file_(std::move(file)),
      vocab_size_(vocab_size),
      tokenizer_hash_(tokenizer_hash),
      checksum_(checksum),
      offsets_(std::move(offsets)) {}

TokenFile TokenFile::open(const std::filesystem::path& path) {
  InputFile file = InputFile::open(path);
  const TokenHeader header = read_header(file);
  check_sum(file, header);
  std::vector<std::int64_t> offsets = read_offsets(file, header);
  check_tokens(file, header);
  return TokenFile(std::move(file), static_cast<std::int64_t>(header.vocab_size), header.tokenizer_hash,
                   header.checksum, std::move(offsets));
}

void TokenFile::read(std::int64_t begin, std::span<Token> tokens) const {
  read_tokens(file_, static_cast<std::uint64_t>(begin), static_cast<std::uint64_t>(vocab_size_), tokens);
}

}  // namespace multipl_moe
