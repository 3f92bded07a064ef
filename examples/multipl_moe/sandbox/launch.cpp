#include "multipl_moe/sandbox/launch.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <linux/close_range.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "multipl_moe/io/errors.hpp"

namespace multipl_moe::sandbox {

namespace {

/// The descriptors that a program gets are below this number, and their sources at or above it, so that none is
/// overwritten before it is copied.
constexpr int first_source = 64;

std::string cause(int error_number) { return std::generic_category().message(error_number); }

/// A file or folder that is bound to another path in the child's own mount namespace.
struct Stage {
  const char* path = nullptr;
  int descriptor = 0;
  std::string from, to;  // the descriptor's path, and the path on the stage
  bool is_folder = false;
};

/// In the child's mount namespace, nothing else is in this folder.
constexpr const char* stage = "/tmp";

/// What the child needs, prepared before it shares this process's memory.
struct Prepared {
  std::vector<char*> command, environment;
  const char* folder = nullptr;
  std::vector<int> sources;
  std::vector<ResourceLimit> limits;
  std::optional<::uid_t> user;
  std::vector<int> entrances;
  std::vector<Stage> staged;
  ::pid_t parent = 0;
};

struct Trouble {
  const char* volatile step = nullptr;
  volatile int error_number = 0;
};

/// Runs in the memory of the parent, which waits: system calls only. Calls of the C library that change the user would
/// change it for all threads of the parent.
[[noreturn, gnu::noinline]] void become(const Prepared& prepared, Trouble& trouble) {
  const auto need = [&](const char* step, bool done) {
    if (done) return;
    trouble.step = step;
    trouble.error_number = errno;
    ::_exit(127);
  };
  struct ::sigaction standard {};
  standard.sa_handler = SIG_DFL;
  for (int signal = 1; signal < 65; ++signal) ::sigaction(signal, &standard, nullptr);
  need("start a session", ::setsid() >= 0);
  // What compilers write is read by another user.
  ::umask(022);
  for (const int entrance : prepared.entrances) need("enter a control group", ::write(entrance, "0", 1) == 1);
  const int score = ::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  need("be the first when memory runs out", score >= 0 && ::write(score, "1000", 4) == 4 && ::close(score) == 0);
  for (const ResourceLimit& limit : prepared.limits)
    need("set a limit", ::syscall(SYS_prlimit64, 0, limit.resource, &limit.value, nullptr) == 0);
  for (std::size_t i = 0; i < prepared.sources.size(); ++i)
    need("pass on a descriptor", ::dup2(prepared.sources[i], static_cast<int>(i)) >= 0);
  need("close other descriptors", ::syscall(SYS_close_range, prepared.sources.size(), ~0U, CLOSE_RANGE_CLOEXEC) == 0);
  if (!prepared.staged.empty()) {
    need("create a mount namespace", ::unshare(CLONE_NEWNS) == 0);
    need("create a mount namespace", ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0);
    // Opened in the new namespace, before the stage hides a part of it.
    for (const Stage& staged : prepared.staged) {
      const int opened = ::open(staged.path, O_PATH | O_CLOEXEC);
      need("open the job's folder", opened >= 0 && ::dup3(opened, staged.descriptor, O_CLOEXEC) >= 0);
    }
    need("mount the job's folder", ::mount("tmpfs", stage, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=64k") == 0);
  }
  for (const Stage& staged : prepared.staged) {
    const char* const to = staged.to.c_str();
    const bool made = staged.is_folder ? ::mkdir(to, 0755) == 0 : ::mknod(to, S_IFREG | 0644, 0) == 0;
    need("mount the job's folder", made && ::mount(staged.from.c_str(), to, nullptr, MS_BIND | MS_REC, nullptr) == 0);
  }
  if (prepared.user) {
    need("leave all groups", ::syscall(SYS_setgroups, 0, nullptr) == 0);
    need("change the group", ::syscall(SYS_setresgid, *prepared.user, *prepared.user, *prepared.user) == 0);
    need("change the user", ::syscall(SYS_setresuid, *prepared.user, *prepared.user, *prepared.user) == 0);
  }
  // After the change of the user, which would undo it. The parent could have ended before.
  need("end with the program", ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0);
  if (::syscall(SYS_getppid) != prepared.parent) ::_exit(127);
  if (prepared.folder != nullptr) need("enter the folder", ::chdir(prepared.folder) == 0);
  ::sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execve(prepared.command[0], prepared.command.data(), prepared.environment.data());
  need("start the program", false);
  ::_exit(127);
}

std::vector<char*> pointers(const std::vector<std::string>& words) {
  std::vector<char*> pointers;
  for (const std::string& word : words) pointers.push_back(const_cast<char*>(word.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

/// A hard limit cannot be raised.
ResourceLimit within_the_present(ResourceLimit limit) {
  ::rlimit present{};
  if (::getrlimit(static_cast<decltype(RLIMIT_CPU)>(limit.resource), &present) == 0) {
    limit.value.rlim_max = std::min(limit.value.rlim_max, present.rlim_max);
    limit.value.rlim_cur = std::min(limit.value.rlim_cur, present.rlim_max);
  }
  return limit;
}

}  // namespace

std::string staged_path(std::size_t number) { return fmt::format("{}/{}", stage, number); }

::pid_t launch(const Launch& launch) {
  std::vector<Descriptor> sources;
  Prepared prepared;
  for (const int descriptor : launch.descriptors) {
    sources.emplace_back(::fcntl(descriptor, F_DUPFD_CLOEXEC, first_source));
    if (sources.back().number() < 0) throw Failure("[sandbox] cannot duplicate a descriptor: " + cause(errno));
    prepared.sources.push_back(sources.back().number());
  }
  prepared.command = pointers(launch.command);
  prepared.environment = pointers(launch.environment);
  if (!launch.folder.empty()) prepared.folder = launch.folder.c_str();
  for (const ResourceLimit& limit : launch.limits) prepared.limits.push_back(within_the_present(limit));
  prepared.user = launch.user;
  prepared.entrances = launch.entrances;
  for (const std::filesystem::path& path : launch.staged) {
    const int descriptor = first_source + static_cast<int>(prepared.staged.size());
    prepared.staged.push_back({path.c_str(), descriptor, fmt::format("/proc/self/fd/{}", descriptor),
                               staged_path(prepared.staged.size()), std::filesystem::is_directory(path)});
  }
  prepared.parent = ::getpid();

  // A handler of this process must not run in the child, which has its memory.
  ::sigset_t all, before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  Trouble trouble;
  const ::pid_t child = ::vfork();
  if (child == 0) become(prepared, trouble);
  const int error_number = errno;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (child < 0) throw Failure("[sandbox] cannot start a process: " + cause(error_number));
  if (trouble.step != nullptr) {
    wait_for_end(child);
    throw Failure(
        fmt::format("[sandbox] cannot {}: {}", static_cast<const char*>(trouble.step), cause(trouble.error_number)));
  }
  return child;
}

Descriptor open_file(const std::filesystem::path& path, int flags) {
  Descriptor descriptor(::open(path.c_str(), flags | O_CLOEXEC));
  if (descriptor.number() < 0) throw IoError(path, "open", errno);
  return descriptor;
}

Channel output_channel() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw Failure("[sandbox] cannot create a pipe: " + cause(errno));
  Channel channel{Descriptor(ends[0]), Descriptor(ends[1])};
  ::fcntl(channel.ours.number(), F_SETFL, O_NONBLOCK);
  return channel;
}

Channel two_way_channel() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    throw Failure("[sandbox] cannot create a pair of sockets: " + cause(errno));
  return {Descriptor(ends[0]), Descriptor(ends[1])};
}

std::optional<Ended> wait_for_end(::pid_t child) {
  Ended ended;
  ::rusage used{};
  while (::wait4(child, &ended.status, 0, &used) < 0)
    if (errno != EINTR) return std::nullopt;
  const auto seconds = [](const ::timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  ended.cpu_seconds = seconds(used.ru_utime) + seconds(used.ru_stime);
  ended.largest_bytes = 1024 * static_cast<std::int64_t>(used.ru_maxrss);
  return ended;
}

Descriptor process_descriptor(::pid_t process) {
  Descriptor descriptor(static_cast<int>(::syscall(SYS_pidfd_open, process, 0)));
  if (descriptor.number() < 0)
    throw Failure(fmt::format("[sandbox] cannot watch process {}: {}", process, cause(errno)));
  return descriptor;
}

}  // namespace multipl_moe::sandbox
