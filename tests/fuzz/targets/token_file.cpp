/// Token files, unchanged and, since hardly any random bytes have the right checksum, with a corrected checksum.
#include "multipl_moe/data/token_file.hpp"

#include <algorithm>
#include <cstring>

#include "fuzz/memory_file.hpp"
#include "fuzz/target.hpp"
#include "multipl_moe/data/token_layout.hpp"
#include "multipl_moe/io/scratch.hpp"

namespace multipl_moe::fuzz {

namespace {

using Documents = std::vector<std::vector<Token>>;

Documents documents_of(const TokenFile& file) {
  Documents documents;
  for (std::int64_t i = 0; i < file.document_count(); ++i) {
    documents.emplace_back(static_cast<std::size_t>(file.document_size(i)));
    file.read(file.document_begin(i), documents.back());
    for (const Token token : documents.back()) require(token < file.vocab_size(), "every token is in the vocabulary");
  }
  return documents;
}

bool takes(std::string_view bytes) {
  const MemoryFile memory(bytes);
  const auto file = value_or_refusal([&] { return TokenFile::open(memory.path()); });
  if (!file) return false;
  const Documents documents = documents_of(*file);
  static const testing::ScratchFolder folder(memory_folder());
  TokenFileWriter writer(folder / "again", file->vocab_size(), file->tokenizer_hash());
  for (const auto& document : documents) writer.append(document);
  writer.finish();
  const TokenFile again = TokenFile::open(folder / "again");
  require(again.checksum() == file->checksum() && documents_of(again) == documents, "documents survive a round trip");
  return true;
}

std::string with_checksum(std::string bytes) {
  TokenHeader header;
  std::memcpy(static_cast<void*>(&header), bytes.data(), sizeof header);
  RunningHash hash;
  hash.add(std::as_bytes(std::span(bytes)).subspan(sizeof header));
  hash.add(checked_part(header));
  const std::uint64_t sum = hash.value();
  std::memcpy(bytes.data() + offsetof(TokenHeader, checksum), &sum, sizeof sum);
  return bytes;
}

}  // namespace

const Registered token_file("token_file", [](std::string_view bytes) {
  const bool as_it_is = takes(bytes);
  return bytes.size() >= sizeof(TokenHeader) ? takes(with_checksum(std::string(bytes))) : as_it_is;
});

}  // namespace multipl_moe::fuzz
