#include "multipl_moe/tokenizer/pattern.hpp"

#include "multipl_moe/io/errors.hpp"
#include "support/catch.hpp"

namespace pattern_test {

using namespace multipl_moe;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("syntax that has the same meaning in both engines is kept", "[tokenizer]") {
  for (const std::string same :
       {R"((?i:'s|'LL)|[^\r\n\p{L}\p{N}]?\p{L}+)", R"(\p{N}{1,3}|(?=x)(?!y)(?<=z)(?<!w)a?+b*?)",
        R"([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+)", "a-b", R"(\P{L})"})
    CHECK(pcre2_pattern(same, "f") == same);
}

TEST_CASE("white space is that of Unicode, unlike PCRE2's default", "[tokenizer]") {
  CHECK_THAT(pcre2_pattern(R"(\s)", "f"), ContainsSubstring(R"(\x{2000}-\x{200a})") && !ContainsSubstring("180e"));
  CHECK(pcre2_pattern(R"(\S)", "f").substr(0, 2) == "[^");
  CHECK_THAT(pcre2_pattern(R"([^\s\p{L}])", "f"),
             ContainsSubstring(R"([^\t-\r)") && ContainsSubstring(R"(\x{3000}\p{L}])"));
}

TEST_CASE("other syntax is refused with the part that is not supported", "[tokenizer]") {
  const auto refusal = [](const std::string& pattern) {
    try {
      return pcre2_pattern(pattern, "file");
    } catch (const BadFile& error) {
      return std::string(error.what());
    }
  };
  for (const auto& [pattern, reason] : {std::pair{"a.b", "'.'"},
                                        {"^a", "'^'"},
                                        {"a$", "'$'"},
                                        {"\\w+", "'\\w'"},
                                        {"\\d", "'\\d'"},
                                        {"\\b", "'\\b'"},
                                        {"\\h", "'\\h'"},
                                        {"(a)\\1", "'\\1'"},
                                        {"\\p{Lu}", "property"},
                                        {"\\p{Han}", "property"},
                                        {"\\pL", "property"},
                                        {"(?i:\\p{L})", "property in"},
                                        {"(?i:[a])", "class in"},
                                        {"(?i:ss)", "'ss'"},
                                        {"(?i:a(?:Fi))", "'fi'"},
                                        {"[\\S]", "'\\S' in a class"},
                                        {"[\\P{L}]", "'\\P' in a class"},
                                        {"[[:alpha:]]", "'[' in"},
                                        {"[a&&b]", "'&&'"},
                                        {"[]a]", "begins with ']'"},
                                        {"[a", "without ']'"},
                                        {"[a-]", "'-'"},
                                        {"[\\s-z]", "'-'"},
                                        {"a{,3}", "'{'"},
                                        {"a{x}", "'{'"},
                                        {"a{2}+", "after a count"},
                                        {"(?>a)", "a group other"},
                                        {"(?P<n>a)", "a group other"},
                                        {"(*ACCEPT)", "a group other"},
                                        {"(?i)a", "a group other"},
                                        {"\\", "at its end"},
                                        {"é", "printable ASCII"},
                                        {"a\n", "printable"}}) {
    INFO(pattern);
    CHECK_THAT(refusal(pattern), ContainsSubstring("[file] the pattern must not hold") && ContainsSubstring(reason));
  }
  CHECK_THAT(refusal(""), ContainsSubstring("1 to 4096 bytes, found 0"));
  CHECK_THAT(refusal(std::string(5000, 'a')), ContainsSubstring("found 5000"));
}

}  // namespace pattern_test
