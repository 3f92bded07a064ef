/// Runs the program multipl_moe in several processes.
#pragma once

#include <signal.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "mpi/mpirun.hpp"
#include "multipl_moe/train/run_files.hpp"
#include "support/catch.hpp"

namespace program_runs {

using namespace moe::testing;
using namespace multipl_moe::testing;
namespace fs = std::filesystem;

struct Training {
  ScratchFolder scratch;
  /// Four micro-batches a step in four slots.
  std::string words =
      "pretrain --data data --size demo --batch-size 2 --sequence-length 32 --threads 1 --steps 6 "
      "--gradient-accumulation-steps 4 --gradient-slots 4 --save-steps 2 ";

  Training() { REQUIRE(run_in("'" MOE_PROGRAM "' prepare '" MOE_TEST_CORPUS "' -o data").exit_code == 0); }

  Ended run_in(const std::string& command) const {
    return run_command("sh -c \"cd '" + scratch.path().native() + "' && exec " + command + "\"");
  }
  static std::string program(int ranks, const std::string& arguments) {
    return "'" MOE_MPIRUN "' -n " + std::to_string(ranks) + " '" MOE_PROGRAM "' " + arguments;
  }
  Ended run(int ranks, const std::string& arguments) const { return run_in(program(ranks, arguments)); }
  Ended alone(const std::string& arguments) const { return run_in("'" MOE_PROGRAM "' " + arguments); }

  /// The same with another option in place of one of `words`.
  std::string words_with(const std::string& option, const std::string& other) const {
    std::string changed = words;
    return changed.replace(changed.find(option), option.size(), other);
  }

  /// Sends a signal to one of the processes when they have run for a while since `file` has text, if it is given. Kills
  /// the process later, if that is given too.
  Ended run_with_signal(int ranks, const std::string& arguments, int victim, int signal,
                        std::chrono::milliseconds after, const std::string& file = "",
                        std::chrono::milliseconds kill_after = {}) const {
    std::thread sender([&] {
      ::pid_t process = 0;
      for (int tries = 0; tries < 1200 && (process == 0 || !has_text(file)); ++tries) {
        std::this_thread::sleep_for(std::chrono::milliseconds(25));
        process = process_of(victim);
      }
      std::this_thread::sleep_for(after);
      if (process != 0) ::kill(process, signal);
      if (kill_after.count() == 0) return;
      std::this_thread::sleep_for(kill_after);
      if (process != 0 && process == process_of(victim)) ::kill(process, SIGKILL);
    });
    Ended ended = run(ranks, arguments);
    sender.join();
    return ended;
  }
  bool has_text(const std::string& file) const {
    std::error_code failed;
    return file.empty() || (fs::exists(scratch / file, failed) && fs::file_size(scratch / file, failed) > 0);
  }
  /// The process of a rank that works in the scratch folder; 0 if there is none.
  ::pid_t process_of(int rank) const {
    std::error_code failed;
    for (const auto& entry : fs::directory_iterator("/proc", failed)) {
      const auto link = [&](const char* name) { return fs::read_symlink(entry.path() / name, failed); };
      if (link("exe") != MOE_PROGRAM || link("cwd") != scratch.path()) continue;
      // The variables end with zeros.
      std::ifstream file(entry.path() / "environ");
      for (std::string variable; std::getline(file, variable, '\0');)
        if (variable == "OMPI_COMM_WORLD_RANK=" + std::to_string(rank) ||
            variable == "PMI_RANK=" + std::to_string(rank))
          return std::stoi(entry.path().filename().native());
    }
    return 0;
  }

  void require_same(const std::string& folder, const std::string& other) const {
    CHECK(newest_checkpoint_of(scratch / folder) == newest_checkpoint_of(scratch / other));
    CHECK(metrics_of(scratch / folder) == metrics_of(scratch / other));
  }
};

inline int count(const std::string& text, const std::string& part) {
  int found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

}  // namespace program_runs
