#include "multipl_moe/sandbox/probe.hpp"

#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>

#include "../io/scratch.hpp"
#include "multipl_moe/sandbox/seccomp_filter.hpp"
#include "support/catch.hpp"

namespace probe_test {

using namespace multipl_moe::sandbox;
using Catch::Matchers::ContainsSubstring;
using multipl_moe::testing::get_bytes;
using multipl_moe::testing::put_bytes;
using multipl_moe::testing::ScratchFolder;

namespace {

std::string results(std::initializer_list<std::int64_t> values) {
  std::string bytes;
  for (const std::int64_t value : values) bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
  return bytes;
}

}  // namespace

TEST_CASE("the probe makes the calls of its table and writes their results", "[sandbox]") {
  if (!abi_is_known) return;
  const ScratchFolder scratch;
  const std::string file = scratch / "file";
  put_bytes(file, "four");
  const std::vector<Attempt> attempts{
      {"has a user ID", SYS_getuid, {}, "", 1, false, static_cast<std::int64_t>(::getuid())},
      {"opens a missing file", SYS_openat, {-100, 0, 0}, file + "-not", 1, false, -ENOENT},
      {"opens a file", SYS_openat, {-100, 0, 0}, file, 1, true, 0},
      {"has six arguments", SYS_mmap, {0, 4096, 3, 0x22, -1, 0}, "", 1, true, 0},
      {"closes no descriptor", SYS_close, {1000}, "", 1, false, -EBADF}};
  put_bytes(scratch / "probe", probe_program(attempts));
  REQUIRE(::chmod((scratch / "probe").c_str(), 0755) == 0);
  REQUIRE(std::system(((scratch / "probe").native() + " >" + (scratch / "out").native()).c_str()) == 0);
  CHECK(wrong_result(attempts, get_bytes(scratch / "out")).empty());
}

TEST_CASE("the first wrong result is described", "[sandbox]") {
  const std::vector<Attempt> attempts{{"can fly", 0, {}, "", 1, false, -EPERM}, {"cannot walk", 0, {}, "", 1, true, 0}};
  CHECK(wrong_result(attempts, results({-EPERM, 3})).empty());
  CHECK(wrong_result(attempts, results({-EPERM, 0})).empty());
  CHECK(wrong_result(attempts, results({5, 0})) ==
        "a program in it can fly (expected: Operation not permitted, found: 5)");
  CHECK(wrong_result(attempts, results({-ENOENT, 0})) ==
        "a program in it can fly (expected: Operation not permitted, found: No such file or directory)");
  CHECK(wrong_result(attempts, results({-EPERM, -EACCES})) ==
        "a program in it cannot walk (expected: success, found: Permission denied)");
  CHECK_THAT(wrong_result(attempts, results({-EPERM})), ContainsSubstring("1 of 2 system calls"));
  CHECK_THAT(wrong_result(attempts, ""), ContainsSubstring("0 of 2 system calls"));
}

TEST_CASE("outside a sandbox, the self-test finds that nothing holds", "[sandbox]") {
  if (!abi_is_known) return;
  const ScratchFolder scratch;
  // Without the calls that would change something here.
  std::vector<Attempt> attempts;
  for (const Attempt& attempt : attempts_to_leave(65534))
    if (attempt.call == SYS_socket && attempt.arguments[0] == 2) attempts.push_back(attempt);
  REQUIRE(attempts.size() == 1);
  put_bytes(scratch / "probe", probe_program(attempts));
  REQUIRE(::chmod((scratch / "probe").c_str(), 0755) == 0);
  REQUIRE(std::system(((scratch / "probe").native() + " >" + (scratch / "out").native()).c_str()) == 0);
  CHECK_THAT(wrong_result(attempts, get_bytes(scratch / "out")), ContainsSubstring("can open a network socket"));
}

}  // namespace probe_test
