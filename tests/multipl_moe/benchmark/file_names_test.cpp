#include "multipl_moe/benchmark/file_names.hpp"

#include "support/catch.hpp"

namespace file_names_test {

using namespace multipl_moe::benchmark;
using Names = std::vector<std::string>;

TEST_CASE("a file name has no slash and no NUL, and a limited length", "[benchmark][file_names]") {
  CHECK(plain_file_name("HumanEval/3.py") == "HumanEval_3.py");
  CHECK(plain_file_name(std::string("a\0b", 3)) == "a_b");
  CHECK(plain_file_name(std::string(500, 'x')) == std::string(longest_file_name, 'x'));
  // Whole characters: the last of 2 bytes would end in the middle.
  CHECK(plain_file_name("abc\xc3\xa9", 4) == "abc");
  CHECK(plain_file_name("abc\xc3\xa9", 5) == "abc\xc3\xa9");
  CHECK(plain_file_name("\xff/") == "\xff_");
}

TEST_CASE("no two names get the same file, and a plain name keeps its own", "[benchmark][file_names]") {
  CHECK(unique_file_names(Names{"a", "b"}) == Names{"a", "b"});
  CHECK(unique_file_names(Names{"a/b", "a_b", "a//b", "a__b", "a_/b"}) ==
        Names{"a_b~2", "a_b", "a__b~2", "a__b", "a__b~3"});
  CHECK(unique_file_names(Names{"a/b", "a_b~2", "a_b"}) == Names{"a_b~3", "a_b~2", "a_b"});
  const std::string lengthy(300, 'x');
  const Names cut = unique_file_names(Names{lengthy + "1", lengthy + "2"});
  CHECK(cut[0] == std::string(longest_file_name, 'x'));
  CHECK(cut[1] == std::string(longest_file_name - 2, 'x') + "~2");
}

}  // namespace file_names_test
