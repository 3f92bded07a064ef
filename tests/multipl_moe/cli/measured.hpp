/// Runs the program as a process whose memory and time are measured.
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <string>
#include <vector>

#include "program.hpp"

namespace multipl_moe::testing {

struct Measured {
  Outcome outcome;
  long kilobytes = 0;            ///< peak resident memory, pages of mapped files included
  long anonymous_kilobytes = 0;  ///< the largest of samples of the resident memory without them
  double seconds = 0;
};

/// Resident memory of a process without the pages of mapped files.
inline long anonymous_kilobytes_of(::pid_t process) {
  std::ifstream status("/proc/" + std::to_string(process) + "/status");
  for (std::string word; status >> word;)
    if (long kilobytes = 0; word == "RssAnon:" && status >> kilobytes) return kilobytes;
  return 0;
}

/// The command waits for a line, so that the shell has ended, without reaping the command, before the command starts.
inline constexpr const char* in_the_background = R"(
cd "$1" && out=$2 error=$3 number=$4 && shift 4 || exit
( read -r _ <&3; exec "$@" </dev/null >"$out" 2>"$error" 3<&- ) &
echo $! >"$number")";

/// Like run(), with the streams outside of `scratch`, and killed after `seconds`.
/// The system counts the pages that a process has at its fork as its own. The pages of the test program would hide
/// those of a small program. So a shell, which has few pages, starts the program and ends, and this process adopts it.
inline Measured measured(const ScratchFolder& scratch, const std::vector<std::string>& words, unsigned seconds = 20) {
  const ScratchFolder streams;
  const std::string out = streams / "out", error = streams / "error", number = streams / "pid";
  std::vector<std::string> all{"sh",  "-c",   in_the_background, "sh", scratch.path(), out,
                               error, number, MULTIPL_MOE_BINARY};
  all.insert(all.end(), words.begin(), words.end());
  std::vector<char*> arguments;
  for (std::string& word : all) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  int begin[2];
  if (::pipe2(begin, O_CLOEXEC) != 0 || ::prctl(PR_SET_CHILD_SUBREAPER, 1) != 0)
    throw std::runtime_error("cannot adopt a process");
  const ::pid_t shell = ::fork();
  if (shell < 0) throw std::runtime_error("cannot start a process");
  if (shell == 0) {
    constexpr int waited_for = 3;
    if (begin[0] == waited_for)
      ::fcntl(waited_for, F_SETFD, 0);
    else
      ::dup2(begin[0], waited_for);
    ::execv("/bin/sh", arguments.data());
    ::_exit(127);
  }
  ::close(begin[0]);
  int status = 0;
  if (::waitpid(shell, &status, 0) != shell || status != 0) throw std::runtime_error("the shell started nothing");
  const ::pid_t child = std::stoi(get_bytes(number));
  // Waiting for the end of a process with a time limit needs a file descriptor.
  const int handle = static_cast<int>(::syscall(SYS_pidfd_open, child, 0));
  if (handle < 0) throw std::runtime_error("cannot open a file descriptor of the process");
  const auto start = std::chrono::steady_clock::now();
  if (::write(begin[1], "\n", 1) != 1) throw std::runtime_error("cannot signal the process to start");
  ::close(begin[1]);
  ::pollfd end{.fd = handle, .events = POLLIN, .revents = 0};
  long anonymous = 0;
  while (::poll(&end, 1, /*milliseconds=*/5) == 0) {
    anonymous = std::max(anonymous, anonymous_kilobytes_of(child));
    if (std::chrono::steady_clock::now() - start > std::chrono::seconds(seconds)) ::kill(child, SIGKILL);
  }
  ::close(handle);
  ::rusage used{};
  if (::wait4(child, &status, 0, &used) != child) throw std::runtime_error("cannot wait for the process");
  const int exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  const double wall = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return {{exit_code, get_bytes(out), get_bytes(error)}, used.ru_maxrss, anonymous, wall};
}

}  // namespace multipl_moe::testing
