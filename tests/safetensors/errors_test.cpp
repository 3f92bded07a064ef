#include "moe/safetensors/errors.hpp"

#include <cerrno>

#include "support/catch.hpp"

namespace errors_test {

using namespace moe;
using namespace moe::io;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("a bad file names path, offset and reason") {
  const BadFile error("a\nb.bin", 12, "must be short");
  CHECK(std::string(error.what()) == "[a\\x0ab.bin, byte 12] must be short");
  CHECK(error.offset() == 12u);
  CHECK(error.path() == "a\nb.bin");
  CHECK_FALSE(BadFile("a", "x").offset().has_value());
}

TEST_CASE("a full disk names the bytes needed and free, another failure does not") {
  const std::string full = IoError("/tmp/some.file", "write", ENOSPC, 1234).what();
  CHECK_THAT(full, ContainsSubstring("; needed: 1234 bytes; free: "));
  const std::string broken = IoError("/tmp/some.file", "write", EIO, 1234).what();
  CHECK_THAT(broken, ContainsSubstring("cannot write") && !ContainsSubstring("1234"));
}

TEST_CASE("text from files is escaped for terminals") {
  CHECK(escaped("plain \xc3\xa9 text") == "plain \xc3\xa9 text");
  CHECK(escaped("\x1b[31mred") == "\\x1b[31mred");
  CHECK(escaped("back\\slash") == "back\\\\slash");
  CHECK(escaped(std::string_view("\0", 1)) == "\\x00");
  CHECK(escaped("\xff\xfe") == "\\xff\\xfe");
  CHECK(escaped("\xc2\x9b"
                "31m") == "\\xc2\\x9b31m");
  CHECK(escaped("abcdef", 3) == "abc...");
}

}  // namespace errors_test
