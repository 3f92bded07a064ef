/// Runs the stages of a plan, each in a process of its own.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

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
  std::function<void(const Stage&, std::size_t number)> began;  ///< numbers from 1
  std::function<void(const Stage&, std::size_t number, double seconds)> finished;
  /// Called several times a second. A number above 0 ends the run: the signal is passed to the stage.
  std::function<int()> signal;
};

/// Ended by `signal`; finished stages are kept.
struct Stopped {
  int signal = 0;
};

/// Runs the stages that are not done, in `folder`, which must exist; a training or evaluation that was begun is
/// resumed. `program`: of this process. Messages of a stage go to logs/<id>.log. Variables MOE_* do not reach the
/// stages, but for MOE_CPU and MOE_MEMORY_LIMIT: the plan is all that decides. Throws StageFailed, Stopped, IoError.
void run_plan(const Plan& plan, const std::filesystem::path& folder, const std::filesystem::path& program,
              const RunListener& listener);

}  // namespace multipl_moe::reproduce
