#include "multipl_moe/sandbox/seccomp_filter.hpp"

#include <sys/syscall.h>

#include <cstring>
#include <optional>
#include <set>

#include "support/catch.hpp"

namespace seccomp_filter_test {

using namespace multipl_moe::sandbox;

namespace {

constexpr std::uint32_t x86_64_arch = 0xC000003E, arm64_arch = 0xC00000B7, i386_arch = 0x40000003,
                        arm_arch = 0x40000028;
constexpr std::uint32_t killed = 0x80000000, allowed = 0x7FFF0000, failed = 0x00050000;

/// Executes a filter as the kernel does. Empty: the kernel would refuse to load it.
std::optional<std::uint32_t> result_of(const std::vector<::sock_filter>& program, const ::seccomp_data& data) {
  std::uint32_t accumulator = 0;
  for (std::size_t at = 0; at < program.size(); ++at) {
    const ::sock_filter& now = program[at];
    switch (now.code) {
      case BPF_LD | BPF_W | BPF_ABS:
        if (now.k % 4 != 0 || now.k + 4 > sizeof data) return std::nullopt;
        std::memcpy(&accumulator, reinterpret_cast<const char*>(&data) + now.k, 4);
        break;
      case BPF_JMP | BPF_JEQ | BPF_K:
        at += accumulator == now.k ? now.jt : now.jf;
        break;
      case BPF_JMP | BPF_JGT | BPF_K:
        at += accumulator > now.k ? now.jt : now.jf;
        break;
      case BPF_JMP | BPF_JGE | BPF_K:
        at += accumulator >= now.k ? now.jt : now.jf;
        break;
      case BPF_JMP | BPF_JSET | BPF_K:
        at += (accumulator & now.k) != 0 ? now.jt : now.jf;
        break;
      case BPF_RET | BPF_K:
        return now.k;
      default:
        return std::nullopt;
    }
  }
  return std::nullopt;
}

std::uint32_t answer(Abi abi, int call, std::uint64_t first = 0, std::uint64_t second = 0) {
  ::seccomp_data data{};
  data.arch = abi == Abi::x86_64 ? x86_64_arch : arm64_arch;
  data.nr = call;
  data.args[0] = first;
  data.args[1] = second;
  const auto result = result_of(seccomp_filter(abi), data);
  REQUIRE(result);
  return *result;
}

struct Row {
  const char* what;
  int x86_64, arm64;
  std::uint64_t first, second;
  std::uint32_t expected;
};

constexpr std::uint32_t eperm = failed | 1, enosys = failed | 38, eafnosupport = failed | 97;

const Row table[] = {
    {"read", 0, 63, 0, 0, allowed},
    {"write", 1, 64, 1, 0, allowed},
    {"openat", 257, 56, 0, 0, allowed},
    {"mmap", 9, 222, 0, 0, allowed},
    {"execve", 59, 221, 0, 0, allowed},
    {"kill", 62, 129, 0, 0, allowed},
    {"futex", 202, 98, 0, 0, allowed},
    {"prctl", 157, 167, 0, 0, allowed},
    {"the last known call", 462, 462, 0, 0, allowed},
    {"the first unknown call", 463, 463, 0, 0, enosys},
    {"a late call", 10000, 10000, 0, 0, enosys},
    {"clone3", 435, 435, 0, 0, enosys},
    {"a thread", 56, 220, 0x3D0F00, 0, allowed},
    {"a child", 56, 220, 17, 0, allowed},
    {"a child in a user namespace", 56, 220, 0x10000011, 0, eperm},
    {"a child in a mount namespace", 56, 220, 0x00020011, 0, eperm},
    {"a child in a cgroup namespace", 56, 220, 0x02000011, 0, eperm},
    {"a child in a UTS namespace", 56, 220, 0x04000011, 0, eperm},
    {"a child in an IPC namespace", 56, 220, 0x08000011, 0, eperm},
    {"a child in a PID namespace", 56, 220, 0x20000011, 0, eperm},
    {"a child in a network namespace", 56, 220, 0x40000011, 0, eperm},
    {"a local socket", 41, 198, 1, 1, allowed},
    {"an internet socket", 41, 198, 2, 1, eafnosupport},
    {"an IPv6 socket", 41, 198, 10, 2, eafnosupport},
    {"a netlink socket", 41, 198, 16, 3, eafnosupport},
    {"a packet socket", 41, 198, 17, 3, eafnosupport},
    {"a vsock socket", 41, 198, 40, 1, eafnosupport},
    // The kernel reads an int; the upper half of the register must not hide the family.
    {"an internet socket, with more bits", 41, 198, 0x100000002, 1, eafnosupport},
    {"a local socket, with more bits", 41, 198, 0x100000001, 1, allowed},
    {"a local pair", 53, 199, 1, 1, allowed},
    {"an internet pair", 53, 199, 2, 1, eafnosupport},
    {"TCGETS", 16, 29, 0, 0x5401, allowed},
    {"TIOCSTI", 16, 29, 0, 0x5412, eperm},
    {"TIOCSTI, with more bits", 16, 29, 0, 0x700005412, eperm},
    {"TIOCLINUX", 16, 29, 0, 0x541C, eperm},
    {"unshare", 272, 97, 0x10000000, 0, eperm},
    {"ptrace", 101, 117, 0, 0, eperm},
    {"bpf", 321, 280, 0, 0, eperm},
    {"io_uring_setup", 425, 425, 0, 0, eperm},
    {"memfd_create", 319, 279, 0, 0, eperm},
    {"keyctl", 250, 219, 0, 0, eperm},
    {"userfaultfd", 323, 282, 0, 0, eperm},
    {"mount", 165, 40, 0, 0, eperm},
    {"process_mrelease, the last of a group", 448, 448, 0, 0, eperm},
    {"personality", 135, 92, 0, 0, eperm},
};

}  // namespace

TEST_CASE("the filter answers each system call as the table says", "[sandbox]") {
  for (const Row& row : table) {
    CAPTURE(row.what);
    CHECK(answer(Abi::x86_64, row.x86_64, row.first, row.second) == row.expected);
    CHECK(answer(Abi::arm64, row.arm64, row.first, row.second) == row.expected);
  }
}

TEST_CASE("every listed call is refused, and its neighbors in the list of numbers are not", "[sandbox]") {
  for (const Abi abi : {Abi::x86_64, Abi::arm64}) {
    std::set<int> special{clone_call.number(abi), clone3_call.number(abi), socket_call.number(abi),
                          socketpair_call.number(abi), ioctl_call.number(abi)};
    std::set<int> refused;
    for (const SystemCall& call : refused_calls)
      if (call.number(abi) >= 0) refused.insert(call.number(abi));
    for (int number = 0; number <= static_cast<int>(last_known_call); ++number) {
      CAPTURE(number);
      if (special.count(number) == 0) CHECK(answer(abi, number) == (refused.count(number) > 0 ? eperm : allowed));
    }
  }
}

TEST_CASE("a program of another ABI is killed", "[sandbox]") {
  for (const Abi abi : {Abi::x86_64, Abi::arm64})
    for (const std::uint32_t arch : {x86_64_arch, arm64_arch, i386_arch, arm_arch}) {
      ::seccomp_data data{};
      data.arch = arch;
      data.nr = 20;
      CHECK(result_of(seccomp_filter(abi), data) ==
            (arch == (abi == Abi::x86_64 ? x86_64_arch : arm64_arch) ? allowed : killed));
    }
  // The x32 ABI shares the architecture's number.
  CHECK(answer(Abi::x86_64, 0x40000000) == killed);
  CHECK(answer(Abi::x86_64, 0x40000000 + 41, 2) == killed);
}

TEST_CASE("the filter is one that the kernel loads", "[sandbox]") {
  for (const Abi abi : {Abi::x86_64, Abi::arm64}) {
    const auto program = seccomp_filter(abi);
    CHECK(program.size() <= 4096);
    for (std::size_t at = 0; at < program.size(); ++at)
      if ((program[at].code & 7) == BPF_JMP) CHECK(at + 1 + std::max(program[at].jt, program[at].jf) < program.size());
    CHECK((program.back().code & 7) == BPF_RET);
  }
}

TEST_CASE("the numbers are those of this system's headers", "[sandbox]") {
  const auto number = [](const char* name) {
    for (const SystemCall& call : refused_calls)
      if (std::string(name) == call.name) return call.number(native_abi);
    return -2;
  };
  if (!abi_is_known) return;
  CHECK(number("ptrace") == SYS_ptrace);
  CHECK(number("bpf") == SYS_bpf);
  CHECK(number("keyctl") == SYS_keyctl);
  CHECK(number("unshare") == SYS_unshare);
  CHECK(number("setns") == SYS_setns);
  CHECK(number("mount") == SYS_mount);
  CHECK(number("shmget") == SYS_shmget);
  CHECK(number("memfd_create") == SYS_memfd_create);
  CHECK(number("io_uring_setup") == SYS_io_uring_setup);
  CHECK(number("userfaultfd") == SYS_userfaultfd);
  CHECK(number("perf_event_open") == SYS_perf_event_open);
  CHECK(number("open_by_handle_at") == SYS_open_by_handle_at);
  CHECK(number("personality") == SYS_personality);
  CHECK(clone_call.number(native_abi) == SYS_clone);
  CHECK(clone3_call.number(native_abi) == SYS_clone3);
  CHECK(socket_call.number(native_abi) == SYS_socket);
  CHECK(socketpair_call.number(native_abi) == SYS_socketpair);
  CHECK(ioctl_call.number(native_abi) == SYS_ioctl);
}

}  // namespace seccomp_filter_test
