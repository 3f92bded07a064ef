/// Another process of this program, ended when its time is over: a crash, a hang or an error that the CUDA runtime
/// keeps for the life of a process then ends that process alone.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace gpu_program {

struct ChildEnd {
  int exit_code = 0;  ///< if no signal ended it
  int signal = 0;     ///< 0: none
  bool out_of_time = false;
  bool still_runs = false;  ///< it did not even die when it was killed
  double seconds = 0;

  bool succeeded() const { return exit_code == 0 && signal == 0 && !out_of_time; }
};

/// Runs `program` with these arguments until it ends, or kills it and the processes that it has started after `limit`
/// seconds. If this process ends first, the child is killed. A child that does not even die within `patience` further
/// seconds, as one that waits inside a driver, is left behind. Throws moe::IoError if no process can be started or its
/// end is not known. SIGCHLD has its default action afterwards.
ChildEnd run_child(const std::filesystem::path& program, const std::vector<std::string>& arguments, double limit,
                   double patience = 10);

}  // namespace gpu_program
