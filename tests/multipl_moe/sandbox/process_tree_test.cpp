#include "multipl_moe/sandbox/process_tree.hpp"

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "support/catch.hpp"

namespace process_tree_test {

using namespace multipl_moe::sandbox;

TEST_CASE("processor time is read behind the program's name", "[sandbox]") {
  const auto stat = [](const std::string& name) {
    return "4711 (" + name + ") S 1 4711 4711 0 -1 4194560 100 200 0 0 7 11 13 17 20 0 1 0 99 1000 5\n";
  };
  CHECK(processor_ticks(stat("python3")) == 48);
  CHECK(processor_ticks(stat("a) R 1 2 (b")) == 48);
  CHECK(processor_ticks(stat("")) == 48);
  CHECK(processor_ticks("") == 0);
  CHECK(processor_ticks("1 (x) S 1 2") == 0);
}

TEST_CASE("own memory is pages, swapped pages and page tables", "[sandbox]") {
  CHECK(own_bytes("Name:\tx\nVmPTE:\t       8 kB\nRssAnon:\t     100 kB\nRssFile:\t 5000 kB\nRssShmem:\t 70 kB\n"
                  "VmSwap:\t      20 kB\n") == 128 * 1024);
  CHECK(own_bytes("") == 0);
}

TEST_CASE("shared anonymous memory counts once, whatever processes map it", "[sandbox]") {
  std::set<std::int64_t> seen;
  const char* maps =
      "00400000-00500000 r-xp 00000000 fe:00 12 /usr/bin/x\n"
      "7f0000000000-7f0000001000 rw-p 00000000 00:00 0 \n"
      "7f0000010000-7f0000030000 rw-s 00000000 00:01 901 /dev/zero (deleted)\n"
      "7f0000040000-7f0000041000 rw-s 00000000 00:01 902 /dev/zero (deleted)\n"
      "7f0000050000-7f0000060000 rw-s 00000000 fe:00 13 /tmp/file\n"
      "7f0000070000-7f0000080000 rw-p 00000000 00:01 903 /dev/zero (deleted)\n";
  CHECK(shared_bytes(maps, seen) == 0x20000 + 0x1000);
  CHECK(shared_bytes(maps, seen) == 0);
  CHECK(shared_bytes("", seen) == 0);
  CHECK(shared_bytes("x-y rw-s 0 0 904 /dev/zero", seen) == 0);
}

TEST_CASE("a tree has the children of children, and their memory and time", "[sandbox]") {
  int ready[2];
  REQUIRE(::pipe(ready) == 0);
  constexpr std::size_t private_size = 20 << 20, shared_size = 10 << 20;
  const ::pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    if (::fork() == 0) {
      const auto map = [](std::size_t size, int kind) {
        return ::mmap(nullptr, size, PROT_READ | PROT_WRITE, kind | MAP_ANONYMOUS, -1, 0);
      };
      std::memset(map(private_size, MAP_PRIVATE), 1, private_size);
      void* const shared = map(shared_size, MAP_SHARED);
      std::memset(shared, 1, shared_size);
      ::madvise(shared, shared_size, MADV_DONTNEED);
      while (::clock() < CLOCKS_PER_SEC / 10) {
      }
      if (::write(ready[1], "x", 1) == 1) ::sleep(60);
    }
    ::sleep(60);
    ::_exit(0);
  }
  char byte = 0;
  REQUIRE(::read(ready[0], &byte, 1) == 1);
  const std::vector<::pid_t> processes = process_tree(child);
  const double seconds = cpu_seconds_of(processes);
  const std::int64_t estimate = memory_bytes(processes, false, false), exact = memory_bytes(processes, false, true);
  for (const ::pid_t process : processes) ::kill(process, SIGKILL);
  ::waitpid(child, nullptr, 0);
  ::close(ready[0]);
  ::close(ready[1]);
  CHECK(processes.size() == 2);
  CHECK(processes.front() == child);
  CHECK(seconds >= 0.05);
  CHECK(exact >= static_cast<std::int64_t>(private_size + shared_size));
  CHECK(estimate >= exact);
}

TEST_CASE("a process that has ended has no descendants and uses nothing", "[sandbox]") {
  const ::pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) ::_exit(0);
  REQUIRE(::waitpid(child, nullptr, 0) == child);
  CHECK(process_tree(child) == std::vector<::pid_t>{child});
  CHECK(cpu_seconds_of({child}) == 0);
  CHECK(memory_bytes({child}, false, true) == 0);
}

}  // namespace process_tree_test
