#include "multipl_moe/data/source_text.hpp"

#include "multipl_moe/io/utf8.hpp"
#include "support/catch.hpp"

namespace source_text_test {

using namespace multipl_moe;

TEST_CASE("line ends, byte-order marks and trailing white space do not change the normal form") {
  const std::string normal = "a = 1\n\n  b = \"x  y\"\n";
  for (const std::string text :
       {"a = 1\n\n  b = \"x  y\"\n", "a = 1\r\n\r\n  b = \"x  y\"\r\n", "a = 1\r\r  b = \"x  y\"\r",
        "\xef\xbb\xbf"
        "a = 1\n\n  b = \"x  y\"\n",
        "a = 1\n\n  b = \"x  y\"", "a = 1 \n\t\n  b = \"x  y\"\t\n\n \n", "a = 1\v\f\n\n  b = \"x  y\"\n\r\n"})
    CHECK(normal_form(text) == normal);
  for (const std::string text : {" a = 1\n\n  b = \"x  y\"\n", "a = 1\n  b = \"x  y\"\n", "a = 1\n\n  b = \"x y\"\n",
                                 "\na = 1\n\n  b = \"x  y\"\n", "a = 1\xef\xbb\xbf\n\n  b = \"x  y\"\n"})
    CHECK(normal_form(text) != normal);
  CHECK(normal_form(normal) == normal);
  CHECK(normal_form("") == "");
  CHECK(normal_form("\xef\xbb\xbf \r\n\n") == "");
}

TEST_CASE("one byte-order mark is removed, and only at the start") {
  CHECK(without_mark("\xef\xbb\xbf"
                     "a") == "a");
  CHECK(without_mark("a\xef\xbb\xbf") == "a\xef\xbb\xbf");
  CHECK(without_mark("\xef\xbb\xbf\xef\xbb\xbf") == "\xef\xbb\xbf");
  CHECK(without_mark("\xef\xbb") == "\xef\xbb");
}

TEST_CASE("the comment that a file begins with is left out") {
  CHECK(without_leading_comment("#!/usr/bin/python\n# License\n\n  # more\nx = 1\n# y\n", Language::python) ==
        "x = 1\n# y\n");
  CHECK(without_leading_comment("# one\nputs 1\n", Language::ruby) == "puts 1\n");
  CHECK(without_leading_comment("// a\n\n// b\npackage x\n", Language::go) == "package x\n");
  CHECK(without_leading_comment("/* a\n * b */\n/* c */ // d\n/* e */ int x;\n", Language::cpp) == "/* e */ int x;\n");
  CHECK(without_leading_comment("/* a\r\n*/\r\nint x;\r\n", Language::java) == "int x;\r\n");
  // In other languages these lines are not comments.
  CHECK(without_leading_comment("#include <a>\n", Language::cpp) == "#include <a>\n");
  CHECK(without_leading_comment("#![no_std]\n", Language::rust) == "#![no_std]\n");
  CHECK(without_leading_comment("// a\n", Language::python) == "// a\n");
}

TEST_CASE("a file that has nothing but a comment keeps it") {
  CHECK(without_leading_comment("# a\n# b\n", Language::python) == "# a\n# b\n");
  CHECK(without_leading_comment("/* a\n", Language::cpp) == "/* a\n");
  CHECK(without_leading_comment("/* a */", Language::cpp) == "/* a */");
  CHECK(without_leading_comment("", Language::cpp) == "");
}

}  // namespace source_text_test
