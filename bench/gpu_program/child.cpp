#include "bench/gpu_program/child.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <thread>

#include "multipl_moe/io/errors.hpp"

namespace gpu_program {

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

/// Whether the process has ended within `seconds`; its status is then in `status`.
bool ends_within(const std::filesystem::path& program, pid_t process, double seconds, int& status) {
  const auto begin = Clock::now();
  for (;;) {
    const pid_t ended = ::waitpid(process, &status, WNOHANG);
    if (ended == process) return true;
    if (ended < 0 && errno != EINTR) throw multipl_moe::IoError(program, "learn the end of a process of", errno);
    if (seconds_since(begin) >= seconds) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

}  // namespace

ChildEnd run_child(const std::filesystem::path& program, const std::vector<std::string>& arguments, double limit,
                   double patience) {
  std::vector<std::string> words{program.native()};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);

  const auto begin = Clock::now();
  // Where this signal is ignored, which a parent may pass on, the status of a child that has ended is lost.
  ::signal(SIGCHLD, SIG_DFL);
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child < 0) throw multipl_moe::IoError(program, "start a process of", errno);
  if (child == 0) {
    ::setpgid(0, 0);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (::getppid() != parent) ::_exit(127);  // It ended before the line above.
    ::execv(program.c_str(), pointers.data());
    ::_exit(127);
  }
  ::setpgid(child, child);  // Both sides do it: neither may rely on being second.
  ChildEnd end;
  int status = 0;
  bool ended = ends_within(program, child, limit, status);
  if (!ended) {
    end.out_of_time = true;
    ::kill(-child, SIGKILL);
    ended = ends_within(program, child, patience, status);
    end.still_runs = !ended;
  }
  end.seconds = seconds_since(begin);
  if (ended && !end.out_of_time) {
    if (WIFSIGNALED(status)) end.signal = WTERMSIG(status);
    if (WIFEXITED(status)) end.exit_code = WEXITSTATUS(status);
    ::kill(-child, SIGKILL);  // What it has left behind.
  }
  return end;
}

}  // namespace gpu_program
