/// Runs the program of several ranks.
#pragma once

#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>

#include "support/catch.hpp"

namespace moe::testing {

/// How a program ended.
struct Ended {
  int exit_code = -1;
  std::string text;
  /// Until the command and all its ranks were gone: from the fault on that a rank announced, else from the start.
  double seconds = 0;

  bool says(const std::string& part) const { return text.find(part) != std::string::npos; }
};

/// Runs a shell command, for a minute at most.
inline Ended run_command(const std::string& command) {
  std::string lock = "/tmp/moe_mpi_ranks_XXXXXX";
  const int lock_file = mkstemp(lock.data());
  REQUIRE(lock_file != -1);
  // MPI libraries leak.
  const std::string whole = "env " MOE_MPI_ENVIRONMENT " ASAN_OPTIONS=detect_leaks=0 MOE_RANKS_LOCK=" + lock +
                            " timeout --kill-after=5 60 " + command + " 2>&1";
  auto begin = std::chrono::steady_clock::now();
  FILE* pipe = popen(whole.c_str(), "r");
  REQUIRE(pipe != nullptr);
  Ended ended;
  std::array<char, 4096> buffer;
  for (bool has_fault = false; std::fgets(buffer.data(), static_cast<int>(buffer.size()), pipe) != nullptr;) {
    ended.text += buffer.data();
    if (!has_fault && ended.says("fault now")) {
      has_fault = true;
      begin = std::chrono::steady_clock::now();
    }
  }
  const int status = pclose(pipe);
  ended.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  // Every rank holds a shared lock while it lives.
  for (int i = 0; i < 1000 && flock(lock_file, LOCK_EX | LOCK_NB) != 0; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  close(lock_file);
  unlink(lock.c_str());
  ended.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return ended;
}
/// One process without a launcher.
inline Ended run_alone(const std::string& arguments, const std::string& environment = "") {
  return run_command("env " + environment + " '" MOE_MPI_RANKS "' " + arguments);
}
/// `ranks` processes.
inline Ended mpirun(int ranks, const std::string& arguments) {
  return run_command("'" MOE_MPIRUN "' -n " + std::to_string(ranks) + " '" MOE_MPI_RANKS "' " + arguments);
}
/// Whether every rank printed that it passed.
inline bool all_passed(const Ended& ended, int ranks) {
  for (int rank = 0; rank < ranks; ++rank)
    if (!ended.says("rank " + std::to_string(rank) + " of " + std::to_string(ranks) + " passed")) return false;
  return ended.exit_code == 0;
}

}  // namespace moe::testing
