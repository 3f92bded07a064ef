/// The process of a stage.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

namespace multipl_moe::reproduce {

struct StageCommand {
  std::filesystem::path program;   ///< multipl_moe
  std::vector<std::string> words;  ///< its arguments
  std::filesystem::path folder;    ///< that it runs in
  std::filesystem::path out, log;  ///< for what it prints and for its messages; both replaced
};

/// Starts the command without waiting for it. It is in a process group of its own, since a key that interrupts this
/// process would otherwise interrupt it too, and the signal that is then passed on would be its second one, which ends
/// a training without a checkpoint. It gets SIGTERM when this process ends, for whatever reason. Variables MOE_* do not
/// reach it, except for MOE_CPU and MOE_MEMORY_LIMIT. Must be called by the main thread. Throws IoError.
::pid_t start_stage(const StageCommand& command);

}  // namespace multipl_moe::reproduce
