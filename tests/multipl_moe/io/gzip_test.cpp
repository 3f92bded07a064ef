#include "multipl_moe/io/gzip.hpp"

#include "multipl_moe/io/errors.hpp"
#include "scratch.hpp"
#include "support/catch.hpp"

namespace gzip_test {

using namespace multipl_moe;
using namespace multipl_moe::testing;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("gzip's format reads back, in one member or several", "[io][gzip]") {
  const std::string text = "some text, some text\n" + std::string(300000, 'x') + std::string("\0\xff", 2);
  CHECK(gunzip(gzip(text), "f.gz", text.size()) == text);
  CHECK(gunzip(gzip("a") + gzip("") + gzip("b"), "f.gz", 10) == "ab");
  CHECK(gunzip("", "f.gz", 10).empty());
  CHECK(gzip(text) == gzip(text));
}

TEST_CASE("a damaged, cut or expanding file is refused", "[io][gzip]") {
  const std::string bytes = gzip("some text, some more text");
  for (std::size_t size = 1; size < bytes.size(); ++size)
    CHECK_THROWS_WITH(gunzip(bytes.substr(0, size), "f.gz", 100), ContainsSubstring("ends early"));
  std::string damaged = bytes;
  damaged[bytes.size() - 6] ^= 1;  // in the checksum
  CHECK_THROWS_WITH(gunzip(damaged, "f.gz", 100), ContainsSubstring("damaged"));
  CHECK_THROWS_WITH(gunzip("not compressed", "f.gz", 100), ContainsSubstring("gzip's format"));
  CHECK_THROWS_WITH(gunzip(gzip(std::string(10 << 20, 'x')), "f.gz", 1 << 20), ContainsSubstring("found more"));
}

TEST_CASE("only a name that ends in .gz means a compressed file", "[io][gzip]") {
  const ScratchFolder scratch;
  put_bytes(scratch / "a.jsonl.gz", gzip("text"));
  put_bytes(scratch / "a.jsonl", "text");
  CHECK(read_whole_text(scratch / "a.jsonl.gz", 100) == "text");
  CHECK(read_whole_text(scratch / "a.jsonl", 100) == "text");
  CHECK_THROWS_AS(read_whole_text(scratch / "b.gz", 100), BadFile);
}

}  // namespace gzip_test
