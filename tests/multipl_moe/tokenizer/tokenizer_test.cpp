#include "multipl_moe/tokenizer/tokenizer.hpp"

#include "golden_tokenizer.hpp"
#include "multipl_moe/io/errors.hpp"
#include "support/catch.hpp"

using namespace multipl_moe;
using namespace multipl_moe::testing;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("a folder without a tokenizer's files has bytes for tokens", "[tokenizer]") {
  const ScratchFolder scratch;
  CHECK(read_tokenizer(scratch.path())->hash() == byte_tokenizer()->hash());
}

TEST_CASE("a folder's tokenizer is written as the files it was read from", "[tokenizer]") {
  const ScratchFolder scratch;
  const std::string text = golden_text("tokenizer.json");
  put_bytes(scratch / "a/tokenizer.json", text);
  put_bytes(scratch / "a/tokenizer_config.json", "{ \"for\": \"others\" }");
  const auto read = read_tokenizer(scratch / "a");
  CHECK(read->hash() == golden_tokenizer().hash());
  std::filesystem::create_directory(scratch / "b");
  read->write_files(scratch / "b");
  CHECK(get_bytes(scratch / "b/tokenizer.json") == text);
  CHECK(get_bytes(scratch / "b/tokenizer_config.json") == "{ \"for\": \"others\" }");

  const auto json = golden_json();
  std::string merges;
  for (const auto& merge : json["model"]["merges"])
    merges += merge[0].get<std::string>() + " " + merge[1].get<std::string>() + "\n";
  put_bytes(scratch / "c/vocab.json", json["model"]["vocab"].dump());
  put_bytes(scratch / "c/merges.txt", merges);
  const auto parts = read_tokenizer(scratch / "c");
  CHECK(parts->vocab_size() == 1401);
  std::filesystem::create_directory(scratch / "d");
  parts->write_files(scratch / "d");
  CHECK(get_bytes(scratch / "d/merges.txt") == merges);
  CHECK(read_tokenizer(scratch / "d")->hash() == parts->hash());
  CHECK_FALSE(std::filesystem::exists(scratch / "d/tokenizer.json"));
}

TEST_CASE("a tokenizer that was not read writes a tokenizer.json", "[tokenizer]") {
  const ScratchFolder scratch;
  golden_tokenizer().write_files(scratch.path());
  CHECK(read_tokenizer(scratch.path())->hash() == golden_tokenizer().hash());
}

TEST_CASE("a folder's files that cannot be a tokenizer are refused", "[tokenizer]") {
  const ScratchFolder scratch;
  put_bytes(scratch / "a/tokenizer.json", "{}");
  CHECK_THROWS_WITH(read_tokenizer(scratch / "a"),
                    ContainsSubstring("a/tokenizer.json") && ContainsSubstring("version"));
  put_bytes(scratch / "b/vocab.json", "{}");
  CHECK_THROWS_AS(read_tokenizer(scratch / "b"), BadFile);
  put_bytes(scratch / "c/tokenizer.json", std::string((12 << 20) + 1, ' '));
  CHECK_THROWS_AS(read_tokenizer(scratch / "c"), BadFile);
  std::filesystem::create_directories(scratch / "d/tokenizer.json");
  CHECK_THROWS_AS(read_tokenizer(scratch / "d"), BadFile);
}
