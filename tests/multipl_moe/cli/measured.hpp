/// The program as a process whose memory and time are counted.
#pragma once

#include <malloc.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <chrono>
#include <string>
#include <vector>

#include "program.hpp"

namespace multipl_moe::testing {

struct Measured {
  Outcome outcome;
  long kilobytes = 0;  ///< resident, at most
  double seconds = 0;
};

/// As run(), but without a shell, with its streams outside of `scratch`, and ended by the system after `seconds`.
inline Measured measured(const ScratchFolder& scratch, const std::vector<std::string>& words, unsigned seconds = 20) {
  const ScratchFolder streams;
  std::vector<std::string> all{MULTIPL_MOE_BINARY};
  all.insert(all.end(), words.begin(), words.end());
  std::vector<char*> arguments;
  for (std::string& word : all) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  const std::string out = streams / "out", error = streams / "error";
  // A child begins with its parent's memory, and the system counts that too.
  ::malloc_trim(0);
  const ::pid_t child = ::fork();
  if (child < 0) throw std::runtime_error("no process can be started");
  if (child == 0) {
    ::alarm(seconds);
    ::dup2(::open("/dev/null", O_RDONLY), 0);
    ::dup2(::open(out.c_str(), O_WRONLY | O_CREAT, 0600), 1);
    ::dup2(::open(error.c_str(), O_WRONLY | O_CREAT, 0600), 2);
    if (::chdir(scratch.path().c_str()) == 0) ::execv(MULTIPL_MOE_BINARY, arguments.data());
    ::_exit(127);
  }
  const auto start = std::chrono::steady_clock::now();
  int status = 0;
  ::rusage used{};
  if (::wait4(child, &status, 0, &used) != child) throw std::runtime_error("the process is not ours");
  const int exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  const double wall = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return {{exit_code, get_bytes(out), get_bytes(error)}, used.ru_maxrss, wall};
}

}  // namespace multipl_moe::testing
