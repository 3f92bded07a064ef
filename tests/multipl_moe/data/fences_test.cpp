#include "multipl_moe/data/fences.hpp"

#include <string>

#include "support/catch.hpp"

namespace fences_test {

using namespace multipl_moe;

namespace {

/// One letter for the language after each byte: the first letter of its name, c for C++, . for none.
std::string languages_of(const std::string& text, FenceReader reader = FenceReader()) {
  std::string result;
  for (const char c : text) {
    const auto language = reader.read({&c, 1});
    result += language ? name_of(*language)[0] : '.';
  }
  return result;
}

/// The language after the whole text.
std::optional<Language> after(const std::string& text) { return FenceReader().read(text); }

}  // namespace

TEST_CASE("code is in the language of its fence, from the end of the opening line to that of the closing one") {
  const std::string text = "Hi\n```python\nx = 1\n```\nbye\n";
  CHECK(languages_of(text) == "............pppppppppp.....");
}

TEST_CASE("a text may be read in blocks of any size") {
  const std::string text = "Say\n```rust\nfn f() {}\n```\nor\n~~~ go \nfunc f() {}\n~~~\nthen ```ruby\n";
  const std::string whole = languages_of(text);
  CHECK(whole.find('r') < whole.find('g'));
  for (std::size_t size = 1; size <= text.size(); ++size) {
    FenceReader reader;
    for (std::size_t at = 0; at < text.size(); at += size) {
      const auto language = reader.read(std::string_view(text).substr(at, size));
      const char expected = whole[std::min(at + size, text.size()) - 1];
      CHECK((language ? name_of(*language)[0] : '.') == expected);
    }
  }
}

TEST_CASE("a fence's tag may be any usual name of a language") {
  for (const auto& [tag, language] : {std::pair{"python", Language::python},
                                      {"py", Language::python},
                                      {"Python3", Language::python},
                                      {"java", Language::java},
                                      {"cpp", Language::cpp},
                                      {"C++", Language::cpp},
                                      {"rs", Language::rust},
                                      {"golang", Language::go},
                                      {"rb", Language::ruby},
                                      {"ruby title=\"a.rb\"", Language::ruby},
                                      {"  go\t", Language::go}}) {
    INFO(tag);
    CHECK(after(std::string("```") + tag + "\n") == language);
  }
  for (const char* other : {"", "perl", "pythonic", "javascript", "c"}) {
    INFO(other);
    CHECK_FALSE(after(std::string("```") + other + "\n").has_value());
  }
}

TEST_CASE("a fence of an unknown language also opens a block") {
  CHECK_FALSE(after("```perl\nprint 1\n```python\n").has_value());
  CHECK(after("```perl\nprint 1\n```\n```python\n") == Language::python);
}

TEST_CASE("a fence is closed only by a fence of its own kind") {
  const std::string open = "````python\n";
  CHECK(after(open + "```\n") == Language::python);
  CHECK(after(open + "~~~~\n") == Language::python);
  CHECK(after(open + "```` x\n") == Language::python);
  CHECK(after(open + "    ````\n") == Language::python);
  CHECK(after(open + "x ````\n") == Language::python);
  CHECK(after(open + "````") == Language::python);
  CHECK_FALSE(after(open + "````\n").has_value());
  CHECK_FALSE(after(open + "   ``````  \r\n").has_value());
  // A document in a document: the inner fences are text of the outer block.
  CHECK(after(open + "```rust\nlet x;\n```\n") == Language::python);
}

TEST_CASE("text that only resembles a fence does not open a block") {
  for (const char* text :
       {"``python\n", "x ```python\n", "    ```python\n", "```python", "```print``` python\n", "\n"}) {
    INFO(text);
    CHECK_FALSE(after(text).has_value());
  }
  // After tildes a backtick has no special meaning, so this fence opens a block of an unknown language.
  CHECK_FALSE(after("~~~a`b\n```python\n").has_value());
}

TEST_CASE("text outside fences may have a language too") {
  CHECK(languages_of("a\n```go\nb\n```\nc", FenceReader(Language::java)) == "jjjjjjjggggggjj");
  CHECK(languages_of("```txt\nb\n```\nc", FenceReader(Language::java)) == "jjjjjj......jj");
}

}  // namespace fences_test
