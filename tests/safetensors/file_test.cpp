#include "moe/safetensors/file.hpp"

#include <sys/stat.h>

#include <array>
#include <cerrno>

#include "support/catch.hpp"
#include "support/scratch.hpp"

namespace file_test {

using namespace moe;
using namespace moe::io;
using namespace moe::testing;

TEST_CASE("only regular files are read") {
  const ScratchFolder folder;
  REQUIRE(::mkfifo((folder / "fifo").c_str(), 0600) == 0);
  std::filesystem::create_symlink(folder / "loop", folder / "loop");
  for (const auto& path :
       {folder / "fifo", folder / "loop", folder / "missing", folder.path(), std::filesystem::path("/dev/null")})
    CHECK_THROWS_AS(InputFile::open(path), BadFile);
  put_bytes(folder / "file", "x");
  std::filesystem::create_symlink(folder / "file", folder / "link");
  CHECK(InputFile::open(folder / "link").size() == 1);
}

TEST_CASE("bytes are read by position, and a file that was truncated is a bad file") {
  const ScratchFolder folder;
  put_bytes(folder / "file", "0123456789");
  const InputFile file = InputFile::open(folder / "file");
  CHECK(file.size() == 10);
  std::array<char, 4> text{};
  file.read_at(3, std::as_writable_bytes(std::span(text)));
  CHECK(std::string_view(text.data(), 4) == "3456");
  CHECK_THROWS_AS(file.read_at(7, std::as_writable_bytes(std::span(text))), BadFile);
  std::filesystem::resize_file(folder / "file", 5);
  CHECK_THROWS_AS(file.read_at(3, std::as_writable_bytes(std::span(text))), BadFile);
}

TEST_CASE("a whole file is read up to its limit") {
  const ScratchFolder folder;
  put_bytes(folder / "file", "0123456789");
  CHECK(read_whole_file(folder / "file", 10) == "0123456789");
  CHECK_THROWS_AS(read_whole_file(folder / "file", 9), BadFile);
}

TEST_CASE("a written file holds what was written and rewritten") {
  const ScratchFolder folder;
  CheckedFile file(folder / "file");
  file.write("hello ");
  file.write("world");
  file.rewrite_at(0, std::as_bytes(std::span("J", 1)));
  CHECK(file.bytes_written() == 11);
  file.close();
  CHECK(get_bytes(folder / "file") == "Jello world");
}

TEST_CASE("a continued file is written after the bytes that are kept") {
  const ScratchFolder folder;
  put_bytes(folder / "file", "keep this");
  CheckedFile file = CheckedFile::continued(folder / "file", 5);
  file.write("that");
  file.sync();
  CHECK(get_bytes(folder / "file") == "keep that");
  CHECK(file.bytes_written() == 9);
  file.close();
  CHECK_THROWS_AS(CheckedFile::continued(folder / "nowhere", 0), IoError);
}

TEST_CASE("a full disk and a missing folder are I/O errors") {
  CheckedFile full("/dev/full", 5000);
  try {
    full.write("x");
    FAIL("a full device accepted a byte");
  } catch (const IoError& error) {
    CHECK(error.error_number() == ENOSPC);
    CHECK_THAT(error.what(), Catch::Matchers::ContainsSubstring("needed: 5000 bytes"));
  }
  CHECK_THROWS_AS(CheckedFile("/no/such/folder/file"), IoError);
  CHECK_THROWS_AS(sync_path("/no/such/folder"), IoError);
}

}  // namespace file_test
