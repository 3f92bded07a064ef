#include <fmt/format.h>

#include <system_error>
#include <utility>
#include <vector>

#include "multipl_moe/data/token_file.hpp"
#include "multipl_moe/data/token_layout.hpp"
#include "multipl_moe/io/atomic_folder.hpp"
#include "multipl_moe/io/errors.hpp"

namespace multipl_moe {

TokenFileWriter::TokenFileWriter(std::filesystem::path path, std::int64_t vocab_size, std::uint64_t tokenizer_hash)
    : path_(std::move(path)),
      file_(partial_path(path_)),
      vocab_size_(static_cast<std::uint64_t>(vocab_size)),
      tokenizer_hash_(tokenizer_hash) {
  const TokenHeader unfinished{.vocab_size = 0};  // readers refuse an empty vocabulary
  file_.write(std::as_bytes(std::span(&unfinished, 1)));
}

TokenFileWriter::~TokenFileWriter() {
  std::error_code ignored;
  if (!finished_) std::filesystem::remove(partial_path(path_), ignored);
}

void TokenFileWriter::append(std::span<const Token> document) {
  if (document.empty())
    throw Failure(fmt::format("[{}] a document must have a token, found none", escaped(path_.native())));
  for (const Token token : document)
    if (token >= vocab_size_)
      throw Failure(fmt::format("[{}] a token must be below the vocabulary's {}, found {}", escaped(path_.native()),
                                vocab_size_, token));
  if (token_bytes_for(vocab_size_) == 4) {
    write_hashed(std::as_bytes(document));
  } else {
    std::vector<std::uint16_t> narrow;
    narrow.reserve(document.size());
    for (const Token token : document) narrow.push_back(static_cast<std::uint16_t>(token));
    write_hashed(std::as_bytes(std::span(narrow)));
  }
  offsets_.push_back(offsets_.back() + document.size());
}

void TokenFileWriter::finish() {
  write_hashed(std::as_bytes(std::span(offsets_)));
  TokenHeader header;
  header.token_bytes = token_bytes_for(vocab_size_);
  header.vocab_size = vocab_size_;
  header.tokenizer_hash = tokenizer_hash_;
  header.documents = offsets_.size() - 1;
  header.tokens = offsets_.back();
  hash_.add(checked_part(header));
  header.checksum = hash_.value();
  file_.rewrite_at(0, std::as_bytes(std::span(&header, 1)));
  file_.close();
  commit_file(path_);
  finished_ = true;
}

void TokenFileWriter::write_hashed(std::span<const std::byte> bytes) {
  file_.write(bytes);
  hash_.add(bytes);
}

}  // namespace multipl_moe
