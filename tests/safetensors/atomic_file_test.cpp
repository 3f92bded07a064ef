#include "moe/safetensors/atomic_file.hpp"

#include <filesystem>
#include <iterator>

#include "support/catch.hpp"
#include "support/scratch.hpp"

namespace atomic_file_test {

using namespace moe;
using namespace moe::io;
using namespace moe::testing;
namespace fs = std::filesystem;

namespace {

std::ptrdiff_t entries_in(const fs::path& folder) {
  return std::distance(fs::directory_iterator(folder), fs::directory_iterator());
}

}  // namespace

TEST_CASE("a file is replaced completely or not at all") {
  const ScratchFolder scratch;
  write_file_atomically(scratch / "LATEST", "step-1");
  write_file_atomically(scratch / "LATEST", "step-2");
  CHECK(get_bytes(scratch / "LATEST") == "step-2");
  CHECK(entries_in(scratch.path()) == 1);
  fs::create_directories(scratch / "taken/inside");
  CHECK_THROWS_AS(write_file_atomically(scratch / "taken", "x"), IoError);
  CHECK_FALSE(fs::exists(partial_path(scratch / "taken")));
  CHECK_THROWS_AS(write_file_atomically("/no/such/folder/file", "x"), IoError);
}

}  // namespace atomic_file_test
