#include "multipl_moe/tokenizer/unicode.hpp"

#include <random>
#include <vector>

#include "multipl_moe/io/utf8.hpp"
#include "support/catch.hpp"

namespace unicode_test {

using namespace multipl_moe;

namespace {

std::string utf8(std::string_view text) {
  std::string storage;
  return std::string(as_utf8(text, storage));
}

std::string nfc(std::string_view text) {
  std::string storage;
  return std::string(as_nfc(text, storage));
}

std::string older(std::string_view text) {
  std::string storage;
  return std::string(with_older_characters(text, storage));
}

constexpr const char* replacement = "\xef\xbf\xbd";

}  // namespace

TEST_CASE("text that is UTF-8 is not copied", "[tokenizer]") {
  std::string storage = "untouched";
  for (const std::string_view text : {"", "plain ASCII, more than eight bytes", "é 你 😀"}) {
    CHECK(as_utf8(text, storage).data() == text.data());
    CHECK(as_nfc(text, storage).data() == text.data());
    CHECK(with_older_characters(text, storage).data() == text.data());
  }
  CHECK(storage == "untouched");
}

TEST_CASE("each maximal part of an invalid character becomes one U+FFFD, as in Python", "[tokenizer]") {
  const std::string r = replacement;
  CHECK(utf8("\xff") == r);
  CHECK(utf8("a\x80z") == "a" + r + "z");
  CHECK(utf8("\xe2\x82") == r);
  CHECK(utf8("\xe2\x82 ") == r + " ");
  CHECK(utf8("\xf0\x9f\x98") == r);
  CHECK(utf8("\xed\xa0\x80") == r + r + r);
  CHECK(utf8("\xf0\x80\x80\x80") == r + r + r + r);
  CHECK(utf8("\xf4\x90\x80\x80") == r + r + r + r);
  CHECK(utf8("\xc0\xaf") == r + r);
  CHECK(utf8("\xc3\xc3\xa9") == r + "é");
  CHECK(utf8("12345678\xff"
             "12345678\xfe") == "12345678" + r + "12345678" + r);
}

TEST_CASE("text is normalized to NFC", "[tokenizer]") {
  CHECK(nfc("e\xcc\x81") == "é");
  CHECK(nfc("xe\xcc\x81y e\xcc\x81") == "xéy é");
  CHECK(nfc("\xcc\x81") == "\xcc\x81");
  CHECK(nfc("a\xcc\x81\xcc\xa7") == "\xc3\xa1\xcc\xa7");
  CHECK(nfc("\xe1\x84\x80\xe1\x85\xa1\xe1\x86\xa8") == "각");
  CHECK(nfc("가\xe1\x86\xa8") == "각");
  CHECK(nfc("カ\xe3\x82\x99") == "ガ");
  CHECK(nfc("\xe2\x84\xab\xe2\x84\xa6") == "ÅΩ");
  CHECK(nfc("\xe0\xa5\x98") == "\xe0\xa4\x95\xe0\xa4\xbc");
}

TEST_CASE("NFC is idempotent, and texts separated by a plain letter are normalized independently", "[tokenizer]") {
  std::mt19937 random(1);
  const std::vector<std::string> parts{"a",
                                       "e",
                                       "\xcc\x81",
                                       "\xcc\xa7",
                                       "é",
                                       "你",
                                       "가",
                                       "\xe1\x86\xa8",
                                       "\xe1\x84\x80",
                                       "\xe1\x85\xa1",
                                       "カ",
                                       "\xe3\x82\x99",
                                       "\xe2\x84\xab",
                                       "😀",
                                       " ",
                                       "\xe0\xa5\x98",
                                       "ff"};
  for (int i = 0; i < 2000; ++i) {
    std::string text;
    for (int k = 0; k < 8; ++k) text += parts[random() % parts.size()];
    const std::string once = nfc(text);
    CHECK(nfc(once) == once);
    CHECK(nfc(text + "1" + text) == once + "1" + once);
  }
}

TEST_CASE("newer letters, marks and numbers are matched as older ones of the same length", "[tokenizer]") {
  CHECK(older("a\xe1\xb2\x89z") == "a\xe4\xb8\x80z");                                        // U+1C89, a letter
  CHECK(older("\xf0\x90\xb5\x80") == "\xf0\x90\x84\x87");                                    // U+10D40, a digit
  CHECK(older("\xe0\xa2\x97") == "\xe0\xb0\xbe");                                            // U+0897, a mark
  CHECK(older("x\xf0\xae\xaf\xb0\xf0\xae\xaf\xb0") == "x\xf0\xa0\x80\x80\xf0\xa0\x80\x80");  // U+2EBF0, Chinese
  CHECK(older("\xe1\xb2\x88 \xe0\xa2\x96") == "\xe1\xb2\x88 \xe0\xa2\x96");
}

}  // namespace unicode_test
