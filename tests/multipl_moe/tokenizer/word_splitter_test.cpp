#include "multipl_moe/tokenizer/word_splitter.hpp"

#include <string>
#include <vector>

#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/tokenizer/pattern.hpp"
#include "support/catch.hpp"

namespace word_splitter_test {

using namespace multipl_moe;
using Catch::Matchers::ContainsSubstring;
using Words = std::vector<std::string>;

namespace {

Words words_of(std::string_view text, std::string_view pattern = qwen_pattern) {
  const WordSplitter splitter(pattern, "f");
  WordSplitter::Walk walk(splitter);
  walk.begin(text);
  Words words;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = walk.next_end();
    words.emplace_back(text.substr(begin, end - begin));
    begin = end;
  }
  CHECK(walk.next_end() == text.size());
  return words;
}

}  // namespace

TEST_CASE("text is split into words by Qwen's pattern", "[tokenizer]") {
  CHECK(words_of("") == Words{});
  CHECK(words_of("It's WE'LL 12") == Words{"It", "'s", " WE", "'LL", " ", "1", "2"});
  CHECK(words_of("a  b\t c   ") == Words{"a", " ", " b", "\t", " c", "   "});
  CHECK(words_of("x;\r\n\n  y\n \n") == Words{"x", ";\r\n\n", " ", " y", "\n \n"});
  CHECK(words_of("\xe1\xa0\x8e"
                 "a") == Words{"\xe1\xa0\x8e"
                               "a"});  // U+180E is no space
  CHECK(words_of("\xf0\xae\xaf\xb0 1") == Words{"\xf0\xae\xaf\xb0", " ", "1"});
}

TEST_CASE("text between matches is a word too", "[tokenizer]") {
  CHECK(words_of("ab12cd", "[0-9]+") == Words{"ab", "12", "cd"});
  CHECK(words_of("abc", "x") == Words{"abc"});
  CHECK(words_of("xx", "x") == Words{"x", "x"});
}

TEST_CASE("a megabyte of spaces is one word", "[tokenizer]") {
  const std::string spaces(1 << 20, ' ');
  CHECK(words_of(spaces) == Words{spaces});
  CHECK(words_of(spaces + "x").size() == 2);
}

TEST_CASE("a pattern that cannot be used is a bad file", "[tokenizer]") {
  for (const auto& [pattern, reason] : {std::pair{"(a", "must compile"},
                                        {"a)", "must compile"},
                                        {"*a", "must compile"},
                                        {"a{9,2}", "must compile"},
                                        {"a*", "empty text"},
                                        {"a|", "empty text"},
                                        {"(?=a)", "empty text"},
                                        {"(?:(?:(?:a{1,999}){1,999}){1,999})", "must compile"}}) {
    INFO(pattern);
    CHECK_THROWS_WITH(WordSplitter(pattern, "file"), ContainsSubstring("[file]") && ContainsSubstring(reason));
    CHECK_THROWS_AS(WordSplitter(pattern, "file"), BadFile);
  }
  CHECK_THROWS_AS(WordSplitter(std::string(2000, '(') + "a" + std::string(2000, ')'), "file"), BadFile);
}

TEST_CASE("a pattern with catastrophic backtracking is an error, not the end of the text", "[tokenizer]") {
  const WordSplitter splitter("(?:a+)+b", "f");
  WordSplitter::Walk walk(splitter);
  std::string text(5000, 'a');
  text += "!b";
  walk.begin(text);
  CHECK_THROWS_WITH(walk.next_end(), ContainsSubstring("the pattern must find each word within"));
  walk.begin("aab");
  CHECK(walk.next_end() == 3);
}

}  // namespace word_splitter_test
