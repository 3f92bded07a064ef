#include "multipl_moe/sandbox/probe.hpp"

#include <elf.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstring>
#include <system_error>

#include "multipl_moe/sandbox/arguments.hpp"

namespace multipl_moe::sandbox {

namespace {

#if defined(__x86_64__)
constexpr std::uint16_t machine = EM_X86_64;
//    lea rbx,[table]; mov r12d,[count]
// 1: mov rax,[rbx]; mov rdi,[rbx+8]; mov rsi,[rbx+16]; mov rdx,[rbx+24]; mov r10,[rbx+32]; mov r8,[rbx+40]
//    mov r9,[rbx+48]; syscall; push rax
//    mov eax,1; mov edi,1; mov rsi,rsp; mov edx,8; syscall        write(1, result, 8)
//    pop rax; add rbx,56; dec r12d; jnz 1b
//    mov eax,231; xor edi,edi; syscall; nop                       exit_group(0)
constexpr unsigned char instructions[] = {
    0x48, 0x8d, 0x1d, 0x59, 0x00, 0x00, 0x00, 0x44, 0x8b, 0x25, 0x4a, 0x00, 0x00, 0x00, 0x48, 0x8b, 0x03, 0x48,
    0x8b, 0x7b, 0x08, 0x48, 0x8b, 0x73, 0x10, 0x48, 0x8b, 0x53, 0x18, 0x4c, 0x8b, 0x53, 0x20, 0x4c, 0x8b, 0x43,
    0x28, 0x4c, 0x8b, 0x4b, 0x30, 0x0f, 0x05, 0x50, 0xb8, 0x01, 0x00, 0x00, 0x00, 0xbf, 0x01, 0x00, 0x00, 0x00,
    0x48, 0x89, 0xe6, 0xba, 0x08, 0x00, 0x00, 0x00, 0x0f, 0x05, 0x58, 0x48, 0x83, 0xc3, 0x38, 0x41, 0xff, 0xcc,
    0x75, 0xc4, 0xb8, 0xe7, 0x00, 0x00, 0x00, 0x31, 0xff, 0x0f, 0x05, 0x0f, 0x1f, 0x44, 0x00, 0x00};
#elif defined(__aarch64__)
constexpr std::uint16_t machine = EM_AARCH64;
//    adr x19,table; ldr w20,count
// 1: ldp x8,x0,[x19]; ldp x1,x2,[x19,16]; ldp x3,x4,[x19,32]; ldr x5,[x19,48]; svc 0; str x0,[sp,-16]!
//    mov x8,64; mov x0,1; mov x1,sp; mov x2,8; svc 0              write(1, result, 8)
//    add sp,sp,16; add x19,x19,56; subs w20,w20,1; b.ne 1b
//    mov x8,94; mov x0,0; svc 0                                   exit_group(0)
constexpr unsigned char instructions[] = {
    0xd3, 0x02, 0x00, 0x10, 0x74, 0x02, 0x00, 0x18, 0x68, 0x02, 0x40, 0xa9, 0x61, 0x0a, 0x41, 0xa9,
    0x63, 0x12, 0x42, 0xa9, 0x65, 0x1a, 0x40, 0xf9, 0x01, 0x00, 0x00, 0xd4, 0xe0, 0x0f, 0x1f, 0xf8,
    0x08, 0x08, 0x80, 0xd2, 0x20, 0x00, 0x80, 0xd2, 0xe1, 0x03, 0x00, 0x91, 0x02, 0x01, 0x80, 0xd2,
    0x01, 0x00, 0x00, 0xd4, 0xff, 0x43, 0x00, 0x91, 0x73, 0xe2, 0x00, 0x91, 0x94, 0x06, 0x00, 0x71,
    0x41, 0xfe, 0xff, 0x54, 0xc8, 0x0b, 0x80, 0xd2, 0x00, 0x00, 0x80, 0xd2, 0x01, 0x00, 0x00, 0xd4};
#else
constexpr std::uint16_t machine = EM_NONE;
constexpr unsigned char instructions[] = {0, 0, 0, 0, 0, 0, 0, 0};
#endif

constexpr std::uint64_t load_address = 0x400000;
constexpr std::size_t code_at = sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr);
constexpr std::size_t count_at = code_at + sizeof instructions, table_at = count_at + 8;
constexpr std::size_t entry_size = 7 * sizeof(std::int64_t);
static_assert(count_at % 8 == 0);

template <class Value>
void append_bytes(std::string& bytes, const Value& value) {
  bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
}

Attempt fails(std::string what, std::int64_t call, std::array<std::int64_t, 6> arguments, int error_number) {
  return {std::move(what), call, arguments, "", 1, false, -error_number};
}

Attempt opens(std::string what, std::string path, int flags, std::int64_t expected, bool any_success = false) {
  return {std::move(what), SYS_openat, {AT_FDCWD, 0, flags, 0600}, std::move(path), 1, any_success, expected};
}

std::string text_of_result(std::int64_t result) {
  if (result < 0 && result > -4096) return std::generic_category().message(static_cast<int>(-result));
  return std::to_string(result);
}

}  // namespace

std::vector<Attempt> attempts_to_leave(::uid_t user) {
  std::vector<Attempt> attempts{
      fails("can open a network socket", SYS_socket, {AF_INET, SOCK_STREAM}, EAFNOSUPPORT),
      fails("can reach the hypervisor", SYS_socket, {AF_VSOCK, SOCK_STREAM}, EAFNOSUPPORT),
      fails("can query the network", SYS_socket, {AF_NETLINK, SOCK_RAW}, EAFNOSUPPORT),
      fails("can create a user namespace", SYS_unshare, {CLONE_NEWUSER}, EPERM),
      fails("can create a file in memory", SYS_memfd_create, {0, 0}, EPERM),
      {"has another user ID", SYS_getuid, {}, "", 1, false, static_cast<std::int64_t>(user)},
      {"has another effective user ID", SYS_geteuid, {}, "", 1, false, static_cast<std::int64_t>(user)},
      {"has another group ID", SYS_getegid, {}, "", 1, false, static_cast<std::int64_t>(user)},
      {"is in further groups of the user", SYS_getgroups, {0, 0}, "", 1, false, 0},
      {"has a capability", SYS_prctl, {PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, 21}, "", 1, false, 0},
      {"can gain privileges by set-user-ID files", SYS_prctl, {PR_GET_NO_NEW_PRIVS}, "", 1, false, 1},
      {"has no filter of system calls", SYS_prctl, {PR_GET_SECCOMP}, "", 1, false, 2},
      {"sees processes outside", SYS_getppid, {}, "", 1, false, 1},
      opens("can read /etc/passwd", "/etc/passwd", O_RDONLY, -ENOENT),
      opens("can change the process that ends with it", "/proc/1/mem", O_RDWR, -EACCES),
      opens("can write to /", "/probe", O_WRONLY | O_CREAT, -EROFS),
      opens("can write to /usr", "/usr/probe", O_WRONLY | O_CREAT, -EROFS),
      opens("can write to /dev", "/dev/probe", O_WRONLY | O_CREAT, -EROFS),
      opens("can write to its own folder, which is read-only", "/box/probe", O_WRONLY | O_CREAT, -EROFS),
  };
  for (int descriptor = gate_descriptor; descriptor < filter_descriptor + 8; ++descriptor)
    attempts.push_back(
        fails("has a descriptor of the program that started it", SYS_fcntl, {descriptor, F_GETFD}, EBADF));
  attempts.push_back(opens("cannot write to /tmp", "/tmp/probe", O_WRONLY | O_CREAT, 0, true));
  return attempts;
}

std::vector<Attempt> attempt_to_use_memory(std::int64_t bytes) {
  return {{"cannot map memory",
           SYS_mmap,
           {0, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0},
           "",
           1,
           true,
           0},
          fails("cannot wait", SYS_ppoll, {}, EINTR)};
}

std::string probe_program(const std::vector<Attempt>& attempts) {
  std::string table, paths;
  const std::size_t paths_at = table_at + attempts.size() * entry_size;
  for (const Attempt& attempt : attempts) {
    std::array<std::int64_t, 6> arguments = attempt.arguments;
    if (!attempt.path.empty()) {
      arguments[static_cast<std::size_t>(attempt.path_index)] =
          static_cast<std::int64_t>(load_address + paths_at + paths.size());
      paths += attempt.path + '\0';
    }
    append_bytes(table, attempt.call);
    append_bytes(table, arguments);
  }
  const std::uint64_t size = paths_at + paths.size();

  Elf64_Ehdr header{};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_ident[EI_VERSION] = EV_CURRENT;
  header.e_type = ET_EXEC;
  header.e_machine = machine;
  header.e_version = EV_CURRENT;
  header.e_entry = load_address + code_at;
  header.e_phoff = sizeof header;
  header.e_ehsize = sizeof header;
  header.e_phentsize = sizeof(Elf64_Phdr);
  header.e_phnum = 1;
  Elf64_Phdr segment{};
  segment.p_type = PT_LOAD;
  segment.p_flags = PF_R | PF_X;
  segment.p_vaddr = load_address;
  segment.p_filesz = size;
  segment.p_memsz = size;
  segment.p_align = 0x10000;

  std::string program;
  append_bytes(program, header);
  append_bytes(program, segment);
  append_bytes(program, instructions);
  append_bytes(program, static_cast<std::uint64_t>(attempts.size()));
  return program + table + paths;
}

std::string wrong_result(const std::vector<Attempt>& attempts, std::string_view written) {
  if (written.size() != attempts.size() * sizeof(std::int64_t))
    return fmt::format("the program that checks it made {} of {} system calls", written.size() / sizeof(std::int64_t),
                       attempts.size());
  for (const Attempt& attempt : attempts) {
    std::int64_t result = 0;
    std::memcpy(&result, written.data(), sizeof result);
    written.remove_prefix(sizeof result);
    if (attempt.any_success ? result >= 0 : result == attempt.expected) continue;
    return fmt::format("a program in it {} (expected: {}, found: {})", attempt.what,
                       attempt.any_success ? "success" : text_of_result(attempt.expected), text_of_result(result));
  }
  return "";
}

}  // namespace multipl_moe::sandbox
