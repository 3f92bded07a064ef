/// Runs the stages of a plan, each in a process of its own, several side by side.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/reproduce/plan.hpp"

namespace multipl_moe::reproduce {

/// A stage ended with an error. Its exit code is that of the stage's command.
class StageFailed : public ProgramError {
 public:
  StageFailed(int exit_code, const std::string& message) : ProgramError(exit_code, message) {}
};

/// What a plan's run tells while it goes on.
struct RunListener {
  /// Numbers are from 1.
  std::function<void(const Stage&, std::size_t number)> began;
  std::function<void(const Stage&, std::size_t number, double seconds)> finished;
  /// No other stage is started; `running` of them still run.
  std::function<void(const Stage&, std::size_t number, std::size_t running)> failed;
  /// Called several times a second. A number above 0 ends the run: the signal is passed to all stages that run.
  std::function<int()> signal;
};

/// Ended by `signal`; finished stages are kept.
struct Stopped {
  int signal = 0;
};

/// How a machine is shared by the stages that run at the same time.
struct MachineShare {
  int jobs = 1;     ///< stages side by side
  int threads = 1;  ///< of each

  /// `jobs` on a machine with this number of CPU threads: each has an equal part, at least one thread.
  static MachineShare of(int jobs, int cpu_threads);
};
/// One thread for each stage, up to 8 stages: the small models gain little from a second thread.
int usual_jobs(int cpu_threads);

/// The words that give a stage's command its part of the machine. No result depends on them, so they are not in the
/// plan. Empty for a command that has no such setting.
std::vector<std::string> share_words(const Stage& stage, int threads);

/// Runs the stages that are not done, in `folder`, which must exist: each as soon as those that it needs are done and
/// one of `share.jobs` places is free, in the order of the plan. A training or evaluation that was begun is resumed.
/// `program`: of this process. Messages of a stage go to logs/<id>.log. Variables MOE_* do not reach the stages, except
/// for MOE_CPU and MOE_MEMORY_LIMIT: the plan is all that decides.
/// A stage that fails lets the running ones end, which are recorded as finished if they are; then StageFailed is
/// thrown, for the first one that failed. Throws Stopped, IoError.
void run_plan(const Plan& plan, const std::filesystem::path& folder, const std::filesystem::path& program,
              const MachineShare& share, const RunListener& listener);

}  // namespace multipl_moe::reproduce
