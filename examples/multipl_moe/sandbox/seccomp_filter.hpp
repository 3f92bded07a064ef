/// The system calls that a program in the sandbox may make, as a classic BPF program for seccomp.
///
/// Calls are allowed unless listed: the namespaces isolate files, network and processes, and the filter closes what
/// they leave open. Calls newer than this list are refused, and so are the calls of other ABIs, whose numbers differ.
#pragma once

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace multipl_moe::sandbox {

enum class Abi { x86_64, arm64 };

#if defined(__x86_64__)
inline constexpr bool abi_is_known = true;
inline constexpr Abi native_abi = Abi::x86_64;
#elif defined(__aarch64__)
inline constexpr bool abi_is_known = true;
inline constexpr Abi native_abi = Abi::arm64;
#else
inline constexpr bool abi_is_known = false;
inline constexpr Abi native_abi = Abi::x86_64;
#endif

/// The number of a system call in each ABI; -1: it does not exist there.
struct SystemCall {
  const char* name;
  int x86_64, arm64;

  constexpr int number(Abi abi) const { return abi == Abi::x86_64 ? x86_64 : arm64; }
};

/// Calls that fail with EPERM whatever their arguments.
inline constexpr SystemCall refused_calls[] = {
    // Other processes' memory and descriptors.
    {"ptrace", 101, 117},
    {"process_vm_readv", 310, 270},
    {"process_vm_writev", 311, 271},
    {"process_madvise", 440, 440},
    {"process_mrelease", 448, 448},
    {"pidfd_getfd", 438, 438},
    {"kcmp", 312, 272},
    {"move_pages", 279, 239},
    {"migrate_pages", 256, 238},
    // Large parts of the kernel that no test of a function needs.
    {"keyctl", 250, 219},
    {"add_key", 248, 217},
    {"request_key", 249, 218},
    {"bpf", 321, 280},
    {"perf_event_open", 298, 241},
    {"userfaultfd", 323, 282},
    {"io_uring_setup", 425, 425},
    {"io_uring_enter", 426, 426},
    {"io_uring_register", 427, 427},
    {"fanotify_init", 300, 262},
    {"fanotify_mark", 301, 263},
    {"lookup_dcookie", 212, 18},
    {"syslog", 103, 116},
    // Memory that belongs to no process, so that it is not counted without a memory cgroup.
    {"memfd_create", 319, 279},
    {"memfd_secret", 447, 447},
    {"shmget", 29, 194},
    {"shmctl", 31, 195},
    {"shmat", 30, 196},
    {"shmdt", 67, 197},
    {"msgget", 68, 186},
    {"msgctl", 71, 187},
    {"msgrcv", 70, 188},
    {"msgsnd", 69, 189},
    {"semget", 64, 190},
    {"semctl", 66, 191},
    {"semtimedop", 220, 192},
    {"semop", 65, 193},
    {"mq_open", 240, 180},
    // Namespaces and mounts.
    {"unshare", 272, 97},
    {"setns", 308, 268},
    {"mount", 165, 40},
    {"umount2", 166, 39},
    {"pivot_root", 155, 41},
    {"chroot", 161, 51},
    {"open_tree", 428, 428},
    {"move_mount", 429, 429},
    {"fsopen", 430, 430},
    {"fsconfig", 431, 431},
    {"fsmount", 432, 432},
    {"fspick", 433, 433},
    {"mount_setattr", 442, 442},
    {"name_to_handle_at", 303, 264},
    {"open_by_handle_at", 304, 265},
    {"sethostname", 170, 161},
    {"setdomainname", 171, 162},
    // The machine as a whole.
    {"init_module", 175, 105},
    {"finit_module", 313, 273},
    {"delete_module", 176, 106},
    {"create_module", 174, -1},
    {"kexec_load", 246, 104},
    {"kexec_file_load", 320, 294},
    {"reboot", 169, 142},
    {"swapon", 167, 224},
    {"swapoff", 168, 225},
    {"quotactl", 179, 60},
    {"quotactl_fd", 443, 443},
    {"nfsservctl", 180, 42},
    {"acct", 163, 89},
    {"vhangup", 153, 58},
    {"settimeofday", 164, 170},
    {"clock_settime", 227, 112},
    {"clock_adjtime", 305, 266},
    {"adjtimex", 159, 171},
    {"personality", 135, 92},
    {"uselib", 134, -1},
    {"iopl", 172, -1},
    {"ioperm", 173, -1},
    {"modify_ldt", 154, -1},
};

inline constexpr SystemCall clone_call{"clone", 56, 220}, clone3_call{"clone3", 435, 435},
    socket_call{"socket", 41, 198}, socketpair_call{"socketpair", 53, 199}, ioctl_call{"ioctl", 16, 29};

/// The last call of Linux 6.10, mseal. Later calls fail with ENOSYS, as on a kernel that does not have them.
inline constexpr std::uint32_t last_known_call = 462;

/// Numbers from here on are calls of the x32 ABI.
inline constexpr std::uint32_t first_x32_call = 0x40000000;

/// CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID and NEWNET.
inline constexpr std::uint32_t namespace_flags = 0x7E020000;

/// ioctl requests that type into a terminal or paste its selection.
inline constexpr std::uint32_t tiocsti = 0x5412, tioclinux = 0x541C;

/// AF_UNIX: the only sockets that stay within the sandbox. AF_VSOCK, for one, reaches the hypervisor from every network
/// namespace.
inline constexpr std::uint32_t unix_sockets = 1;

/// The filter for programs of that ABI.
inline std::vector<::sock_filter> seccomp_filter(Abi abi) {
  constexpr std::uint32_t error = SECCOMP_RET_ERRNO;
  std::vector<::sock_filter> program;
  const auto add = [&](std::uint32_t code, std::uint32_t value, std::size_t if_true = 0, std::size_t if_false = 0) {
    program.push_back({static_cast<std::uint16_t>(code), static_cast<std::uint8_t>(if_true),
                       static_cast<std::uint8_t>(if_false), value});
  };
  const auto load = [&](std::size_t offset) { add(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(offset)); };
  const auto end = [&](std::uint32_t action) { add(BPF_RET | BPF_K, action); };
  // Runs the next `count` instructions only for that call. Each of these parts ends with a return.
  const auto only_for = [&](const SystemCall& call, std::size_t count) {
    add(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(call.number(abi)), 0, count);
  };
  // The lower half of an argument, which is all that the kernel reads of an int or unsigned int.
  const auto argument = [](std::size_t index) { return offsetof(::seccomp_data, args) + 8 * index; };

  load(offsetof(::seccomp_data, arch));
  add(BPF_JMP | BPF_JEQ | BPF_K, abi == Abi::x86_64 ? AUDIT_ARCH_X86_64 : AUDIT_ARCH_AARCH64, 1, 0);
  end(SECCOMP_RET_KILL_PROCESS);
  load(offsetof(::seccomp_data, nr));
  if (abi == Abi::x86_64) {
    add(BPF_JMP | BPF_JGE | BPF_K, first_x32_call, 0, 1);
    end(SECCOMP_RET_KILL_PROCESS);
  }
  add(BPF_JMP | BPF_JGT | BPF_K, last_known_call, 0, 1);
  end(error | ENOSYS);
  // Its flags are in memory, where a filter cannot read them. With ENOSYS, the C library uses clone instead.
  only_for(clone3_call, 1);
  end(error | ENOSYS);
  only_for(clone_call, 4);
  load(argument(0));
  add(BPF_JMP | BPF_JSET | BPF_K, namespace_flags, 0, 1);
  end(error | EPERM);
  end(SECCOMP_RET_ALLOW);
  for (const SystemCall& call : {socket_call, socketpair_call}) {
    only_for(call, 4);
    load(argument(0));
    add(BPF_JMP | BPF_JEQ | BPF_K, unix_sockets, 1, 0);
    end(error | EAFNOSUPPORT);
    end(SECCOMP_RET_ALLOW);
  }
  only_for(ioctl_call, 5);
  load(argument(1));
  add(BPF_JMP | BPF_JEQ | BPF_K, tiocsti, 1, 0);
  add(BPF_JMP | BPF_JEQ | BPF_K, tioclinux, 0, 1);
  end(error | EPERM);
  end(SECCOMP_RET_ALLOW);

  std::vector<std::uint32_t> refused;
  for (const SystemCall& call : refused_calls)
    if (call.number(abi) >= 0) refused.push_back(static_cast<std::uint32_t>(call.number(abi)));
  // A jump reaches 255 instructions; each comparison jumps over those behind it and the return that allows the call.
  static_assert(std::size(refused_calls) < 255);
  for (std::size_t i = 0; i < refused.size(); ++i) add(BPF_JMP | BPF_JEQ | BPF_K, refused[i], refused.size() - i, 0);
  end(SECCOMP_RET_ALLOW);
  end(error | EPERM);
  return program;
}

}  // namespace multipl_moe::sandbox
