/// A mapped file that becomes unreadable ends the process with an error, not with a signal.
#include "multipl_moe/io/mapped_files.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>

#include "moe/safetensors/file_mapping.hpp"
#include "scratch.hpp"
#include "support/catch.hpp"

namespace mapped_files_test {

using namespace multipl_moe;
using namespace multipl_moe::testing;
using moe::io::FileMapping;
using moe::io::InputFile;

namespace {

/// Runs f in a child process, whose stderr is returned with its status.
template <class F>
std::pair<int, std::string> in_child(const F& f) {
  int ends[2];
  if (::pipe(ends) != 0) throw std::runtime_error("cannot make a pipe");
  const ::pid_t child = ::fork();
  if (child == 0) {
    ::dup2(ends[1], STDERR_FILENO);
    f();
    ::_exit(0);
  }
  ::close(ends[1]);
  std::string text;
  std::array<char, 4096> buffer;
  for (::ssize_t n; (n = ::read(ends[0], buffer.data(), buffer.size())) > 0;)
    text.append(buffer.data(), static_cast<std::size_t>(n));
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  return {status, text};
}

}  // namespace

TEST_CASE("reading a mapped file after it was truncated ends the process with 5 and its name", "[io]") {
  const ScratchFolder scratch;
  const std::size_t page = moe::io::page_bytes();
  for (const char* name : {"first", "second", "other"}) put_bytes(scratch / name, std::string(3 * page, 'a'));
  const auto map = [&](const char* name) {
    return std::make_shared<const FileMapping>(FileMapping::map(InputFile::open(scratch / name)));
  };
  const auto first = map("first");
  auto second = map("second");
  const auto read_last = [](const auto& mapping) {
    [[maybe_unused]] volatile std::byte last = mapping->bytes().back();
  };
  const auto [status, text] = in_child([&] {
    name_mapped_file(first, scratch / "first");
    name_mapped_file(second, scratch / "second");
    read_last(first);
    std::filesystem::resize_file(scratch / "first", page);
    read_last(second);
    read_last(first);
  });
  REQUIRE(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 5);
  CHECK(text == "error: [" + (scratch / "first").native() +
                    "] cannot be read any more: the file was truncated while it was in use, or its disk failed; "
                    "restore the file and run the command again\n");

  // Any other mapping keeps the system's signal, also at the addresses of one that no longer exists.
  const auto [signaled, nothing] = in_child([&] {
    name_mapped_file(second, scratch / "second");
    const std::byte* const before = second->bytes().data();
    second.reset();
    const auto other = map("other");
    if (other->bytes().data() != before) ::_exit(1);
    std::filesystem::resize_file(scratch / "other", page);
    read_last(other);
  });
  CHECK((WIFSIGNALED(signaled) && WTERMSIG(signaled) == SIGBUS));
}

}  // namespace mapped_files_test
