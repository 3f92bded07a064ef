#include "multipl_moe/io/hash.hpp"

#include <string>

#include "support/catch.hpp"

namespace hash_test {

using namespace multipl_moe;

TEST_CASE("hashes equal the published values of XXH3, because files contain them") {
  CHECK(hash_of(std::string_view("")) == 0x2d06800538d394c2);
  CHECK(hash_of(std::string_view("a")) == 0xe6c632b61e964e1f);
  CHECK(hash_of(std::string_view("a"), 1) != hash_of(std::string_view("a")));
}

TEST_CASE("a running hash equals the hash of the joined blocks") {
  std::string text;
  RunningHash hash;
  for (int i = 0; i < 500; ++i) {
    const std::string piece(static_cast<std::size_t>(i % 7), static_cast<char>('a' + i % 26));
    hash.add(std::as_bytes(std::span(piece)));
    text += piece;
  }
  CHECK(hash.value() == hash_of(text));
}

TEST_CASE("numbers are hashed as 8 little-endian bytes each") {
  CHECK(hash_of_numbers({0x6867666564636261}) == hash_of(std::string_view("abcdefgh")));
  CHECK(hash_of_numbers({1, 2}) != hash_of_numbers({2, 1}));
}

}  // namespace hash_test
