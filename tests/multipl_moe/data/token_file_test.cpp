#include "multipl_moe/data/token_file.hpp"

#include <limits>

#include "multipl_moe/data/token_layout.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/scratch.hpp"
#include "support/catch.hpp"

namespace token_file_test {

using namespace multipl_moe;
using namespace multipl_moe::testing;
using Catch::Matchers::ContainsSubstring;

namespace {

using Documents = std::vector<std::vector<Token>>;

void write(const std::filesystem::path& path, std::int64_t vocab_size, const Documents& documents) {
  TokenFileWriter writer(path, vocab_size, 77);
  for (const auto& document : documents) writer.append(document);
  writer.finish();
}

/// A token file of the given content, with a matching checksum.
std::string forged(TokenHeader header, const std::string& body) {
  RunningHash hash;
  hash.add(std::as_bytes(std::span(body)));
  hash.add(checked_part(header));
  header.checksum = hash.value();
  return bytes_of(header) + body;
}

std::string numbers(std::initializer_list<std::uint64_t> values) {
  std::string bytes;
  for (const std::uint64_t value : values) bytes += bytes_of(value);
  return bytes;
}

TokenHeader header_of(std::uint64_t documents, std::uint64_t tokens, std::uint64_t vocab_size = 257) {
  TokenHeader header;
  header.token_bytes = token_bytes_for(vocab_size);
  header.vocab_size = vocab_size;
  header.documents = documents;
  header.tokens = tokens;
  return header;
}

void check_refused(const std::string& bytes, const std::string& rule) {
  const ScratchFolder folder;
  put_bytes(folder / "f", bytes);
  INFO(rule);
  try {
    TokenFile::open(folder / "f");
    FAIL_CHECK("was accepted");
  } catch (const BadFile& error) {
    CHECK_THAT(error.what(), ContainsSubstring(rule));
  }
}

}  // namespace

TEST_CASE("documents are written and read back") {
  const ScratchFolder folder;
  for (const std::int64_t vocab_size : {std::int64_t{257}, std::int64_t{65'536}, std::int64_t{151'936}}) {
    const Token last = static_cast<Token>(vocab_size - 1);
    write(folder / "f", vocab_size, {{1, 2, 3}, {last}, {0, 4}});
    const TokenFile file = TokenFile::open(folder / "f");
    CHECK(file.vocab_size() == vocab_size);
    CHECK(file.tokenizer_hash() == 77);
    CHECK(file.token_count() == 6);
    REQUIRE(file.document_count() == 3);
    CHECK(file.document_begin(1) == 3);
    CHECK(file.document_size(2) == 2);
    std::vector<Token> tokens(4);
    file.read(1, tokens);
    CHECK(tokens == std::vector<Token>{2, 3, last, 0});
  }
}

TEST_CASE("a token file larger than the reader's buffers is read whole") {
  const ScratchFolder folder;
  Documents documents(3);
  for (Token i = 0; i < 200'000; ++i) documents[i % 3].push_back(i % 257);
  write(folder / "f", 257, documents);
  const TokenFile file = TokenFile::open(folder / "f");
  std::vector<Token> tokens(documents[1].size());
  file.read(file.document_begin(1), tokens);
  CHECK(tokens == documents[1]);
}

TEST_CASE("the bytes of a token file are fixed") {
  const ScratchFolder folder;
  write(folder / "f", 257, {{1, 256}});
  CHECK(get_bytes(folder / "f") == forged(
                                       [] {
                                         TokenHeader header = header_of(1, 2);
                                         header.tokenizer_hash = 77;
                                         return header;
                                       }(),
                                       std::string("\1\0\0\1", 4) + numbers({0, 2})));
  CHECK(get_bytes(folder / "f").substr(0, 48) ==
        "moetoks\n" + std::string("\1\0\0\0\2\0\0\0", 8) + numbers({257, 77, 1, 2}));
}

TEST_CASE("a token file without documents is valid") {
  const ScratchFolder folder;
  write(folder / "f", 257, {});
  const TokenFile file = TokenFile::open(folder / "f");
  CHECK(file.document_count() == 0);
  CHECK(file.token_count() == 0);
}

TEST_CASE("a token file appears only when it is finished") {
  const ScratchFolder folder;
  put_bytes(folder / "f", "old");
  {
    TokenFileWriter writer(folder / "f", 257, 1);
    writer.append(std::vector<Token>{1});
    CHECK_THROWS_AS(writer.append(std::vector<Token>{}), Failure);
    CHECK_THROWS_AS(writer.append(std::vector<Token>{257}), Failure);
  }
  CHECK(get_bytes(folder / "f") == "old");
  CHECK(std::distance(std::filesystem::directory_iterator(folder.path()), std::filesystem::directory_iterator()) == 1);
}

TEST_CASE("a token file cut at any byte, or with any byte changed, is a bad file") {
  const ScratchFolder folder;
  write(folder / "f", 257, {{1, 2, 3}, {200}});
  const std::string whole = get_bytes(folder / "f");
  for (std::size_t size = 0; size < whole.size(); ++size) {
    put_bytes(folder / "bad", whole.substr(0, size));
    CHECK_THROWS_AS(TokenFile::open(folder / "bad"), BadFile);
    std::string changed = whole;
    changed[size] = static_cast<char>(changed[size] ^ 0x10);
    put_bytes(folder / "bad", changed);
    CHECK_THROWS_AS(TokenFile::open(folder / "bad"), BadFile);
  }
  put_bytes(folder / "bad", whole + "x");
  CHECK_THROWS_AS(TokenFile::open(folder / "bad"), BadFile);
}

TEST_CASE("a file that was cut after it was opened is a bad file") {
  const ScratchFolder folder;
  write(folder / "f", 257, {{1, 2, 3, 4}});
  const TokenFile file = TokenFile::open(folder / "f");
  std::filesystem::resize_file(folder / "f", 60);
  std::vector<Token> tokens(4);
  CHECK_THROWS_AS(file.read(0, tokens), BadFile);
}

TEST_CASE("token files with a valid checksum and wrong numbers are refused") {
  const std::uint64_t huge = std::numeric_limits<std::uint64_t>::max();
  const std::string tokens = bytes_of(std::uint32_t{0});  // two of 2 bytes
  TokenHeader header = header_of(1, 2);
  check_refused(forged(header, ""), "must fill the file's");
  check_refused(forged(header_of(0, 2), tokens + numbers({0})), "must cover tokens 0 to 2, found 0 to 0");
  check_refused(forged(header_of(huge, 2), tokens + numbers({0})), "must fill");
  check_refused(forged(header_of(0, huge), numbers({0})), "must fill");
  check_refused(forged(header_of(huge, huge / 2 + 1), numbers({0})), "must fill");
  // The sums of these sizes wrap around to the size of the file.
  check_refused(forged(header_of(0, (std::uint64_t{1} << 63) + 4), numbers({0, 0})), "must fill");
  check_refused(forged(header_of((std::uint64_t{1} << 61) - 1, 4), numbers({0})), "must fill");
  check_refused(forged(header, tokens + numbers({1, 2})), "must cover tokens 0 to 2, found 1 to 2");
  check_refused(forged(header, tokens + numbers({0, 1})), "must cover tokens 0 to 2, found 0 to 1");
  check_refused(forged(header, tokens + numbers({0, 3})), "must cover");
  check_refused(forged(header_of(2, 2), tokens + numbers({0, 2, 2})), "must not be empty");
  check_refused(forged(header_of(2, 2), tokens + numbers({0, 3, 2})), "must not be empty");
  check_refused(forged(header_of(2, 2), tokens + numbers({0, huge, 2})), "must not be empty");
  check_refused(forged(header, std::string("\1\1\1\1", 4) + numbers({0, 2})), "must be below the vocabulary's 257");
  check_refused(forged(header_of(1, 1, 151'936), std::string("\0\0\3\0", 4) + numbers({0, 1})), "found 196608");
  check_refused(forged(header_of(1, 2, 0), tokens + numbers({0, 2})), "1 to 2^32");
  check_refused(forged(header_of(1, 2, huge), tokens + numbers({0, 2})), "1 to 2^32");
  header.version = 2;
  check_refused(forged(header, tokens + numbers({0, 2})), "version must be 1, found 2");
  header = header_of(1, 2);
  header.token_bytes = 4;
  check_refused(forged(header, tokens + tokens + numbers({0, 2})), "have 2 bytes, found 4");
  header.token_bytes = 0;
  check_refused(forged(header, tokens + numbers({0, 2})), "have 2 bytes, found 0");
  header = header_of(1, 2);
  header.magic[0] = 'M';
  check_refused(forged(header, tokens + numbers({0, 2})), "must begin with");
}

}  // namespace token_file_test
