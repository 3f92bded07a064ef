#include "multipl_moe/reproduce/run_plan.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <string_view>
#include <thread>
#include <vector>

#include "multipl_moe/io/atomic_folder.hpp"
#include "multipl_moe/io/file.hpp"
#include "multipl_moe/reproduce/stage_record.hpp"

namespace multipl_moe::reproduce {

namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

/// The environment of stages.
std::vector<char*> stage_environment() {
  std::vector<char*> kept;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string_view text = *variable;
    if (!text.starts_with("MOE_") || text.starts_with("MOE_CPU=") || text.starts_with("MOE_MEMORY_LIMIT="))
      kept.push_back(*variable);
  }
  kept.push_back(nullptr);
  return kept;
}

/// Starts the program in `folder` with its streams in files.
::pid_t start(const fs::path& program, std::vector<std::string> words, const fs::path& folder, const fs::path& out,
              const fs::path& log) {
  words.insert(words.begin(), program.native());
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  ::posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  constexpr int to_write = O_WRONLY | O_CREAT | O_TRUNC;
  ::posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_addopen(&actions, 1, out.c_str(), to_write, 0644);
  ::posix_spawn_file_actions_addopen(&actions, 2, log.c_str(), to_write, 0644);
  ::posix_spawn_file_actions_addchdir_np(&actions, folder.c_str());
  // In a group of its own: a key that interrupts this process would interrupt the stage too, and passing the signal on
  // would then be the second one, which ends a training without a checkpoint.
  ::posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  ::posix_spawnattr_setpgroup(&attributes, 0);
  ::pid_t child = 0;
  auto environment = stage_environment();
  const int error = ::posix_spawn(&child, program.c_str(), &actions, &attributes, arguments.data(), environment.data());
  ::posix_spawn_file_actions_destroy(&actions);
  ::posix_spawnattr_destroy(&attributes);
  if (error != 0) throw IoError(program, "start", error);
  return child;
}

/// Waits for the stage and returns its status. A signal is passed on, and then thrown as Stopped.
int wait_for(::pid_t child, const RunListener& listener) {
  int passed_on = 0, status = 0;
  for (;;) {
    const ::pid_t ended = ::waitpid(child, &status, WNOHANG);
    if (ended < 0 && errno != EINTR) throw IoError("a stage's process", "wait for", errno);
    if (ended == child) break;
    if (const int signal = listener.signal(); signal != 0 && passed_on == 0) {
      passed_on = signal;
      ::kill(child, signal);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  if (passed_on != 0) throw Stopped{passed_on};
  return status;
}

/// The last lines of a log.
std::string end_of(const fs::path& log) {
  constexpr std::uint64_t largest_log = 1 << 28;
  std::string text = read_whole_file(log, largest_log);
  while (text.ends_with('\n')) text.pop_back();
  constexpr std::size_t enough = 600;
  return escaped(text.substr(text.size() - std::min(text.size(), enough)), enough);
}

/// Whether the command can continue what it has begun: before that there is nothing that it would accept.
bool can_resume(const Stage& stage, const fs::path& folder) {
  const std::string& command = stage.words.front();
  if (command == "pretrain" || command == "train") return is_there(folder / stage.output / "checkpoints" / "LATEST");
  return command == "evaluate" && is_there(folder / stage.output / "evaluation.toml");
}

void run_stage(const Stage& stage, bool resumes, const fs::path& folder, const fs::path& program,
               const RunListener& listener) {
  const fs::path log = folder / "logs" / (stage.id + ".log");
  create_folders(log.parent_path());
  create_folders((folder / stage.output).parent_path());
  std::vector<std::string> words = stage.words;
  if (resumes)
    words.emplace_back("--resume");
  else if (is_there(folder / stage.output))
    remove_folder(folder / stage.output);
  // What a command prints is whole under its own name, or not there.
  const fs::path out = folder / (stage.prints ? stage.output + ".partial" : "logs/" + stage.id + ".out");
  const int status = wait_for(start(program, words, folder, out, log), listener);
  if (WIFSIGNALED(status))
    throw StageFailed(1, fmt::format("[reproduce] {} was ended by signal {}; {}", stage.id, WTERMSIG(status),
                                     "--resume runs it again"));
  if (const int code = WEXITSTATUS(status); code != 0)
    throw StageFailed(code,
                      fmt::format("[reproduce] {} failed with exit code {}: multipl_moe {}\n{}\n{} has all of it; "
                                  "--resume continues when the cause is gone",
                                  stage.id, code, escaped(fmt::to_string(fmt::join(words, " ")), 1000), end_of(log),
                                  escaped(log.native())));
  if (stage.prints) fs::rename(out, folder / stage.output);
}

}  // namespace

void run_plan(const Plan& plan, const fs::path& folder, const fs::path& program, const RunListener& listener) {
  for (const auto& [name, text] : plan.files) {
    create_folders((folder / name).parent_path());
    write_file_atomically(folder / name, text + "\n");
  }
  const StageRecords records(folder);
  OutputHashes done;
  for (std::size_t i = 0; i < plan.stages.size(); ++i) {
    const Stage& stage = plan.stages[i];
    const StageRecords::State state = records.state_of(stage, done);
    if (state == StageRecords::State::done) continue;
    listener.began(stage, i + 1);
    const auto begin = Clock::now();
    records.begin(stage, done);
    run_stage(stage, state == StageRecords::State::begun && can_resume(stage, folder), folder, program, listener);
    records.finish(stage, done);
    listener.finished(stage, i + 1, std::chrono::duration<double>(Clock::now() - begin).count());
  }
}

}  // namespace multipl_moe::reproduce
