#include "multipl_moe/io/shared_file.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <exception>
#include <vector>

#include "multipl_moe/io/errors.hpp"
#include "scratch.hpp"
#include "support/catch.hpp"

namespace shared_file_test {

using namespace multipl_moe;
using namespace multipl_moe::testing;

TEST_CASE("processes that write a file at the same time leave the complete bytes of one", "[io]") {
  const ScratchFolder scratch;
  const auto path = scratch / "entry.json";
  const std::size_t size = 100'000;
  std::vector<::pid_t> writers;
  for (int writer = 0; writer < 4; ++writer) {
    const ::pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      try {
        for (int i = 0; i < 60; ++i) write_shared_file(path, std::string(size, static_cast<char>('a' + writer)));
      } catch (const std::exception&) {
        ::_exit(1);
      }
      ::_exit(0);
    }
    writers.push_back(child);
  }
  for (const ::pid_t writer : writers) {
    int status = 0;
    REQUIRE(::waitpid(writer, &status, 0) == writer);
    CHECK(status == 0);
  }
  const std::string bytes = get_bytes(path);
  CHECK(bytes == std::string(size, bytes.front()));
  CHECK(names_in(scratch.path()) == std::vector<std::string>{"entry.json"});
}

TEST_CASE("a shared file that cannot be written leaves nothing behind", "[io]") {
  const ScratchFolder scratch;
  std::filesystem::create_directories(scratch / "entry/inner");
  CHECK_THROWS_AS(write_shared_file(scratch / "entry", "bytes"), IoError);
  CHECK(names_in(scratch.path()) == std::vector<std::string>{"entry"});
}

}  // namespace shared_file_test
