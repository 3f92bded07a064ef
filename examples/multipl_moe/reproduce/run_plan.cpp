#include "multipl_moe/reproduce/run_plan.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <optional>
#include <string_view>
#include <thread>

#include "multipl_moe/io/atomic_folder.hpp"
#include "multipl_moe/io/file.hpp"
#include "multipl_moe/io/folder_lock.hpp"
#include "multipl_moe/reproduce/stage_process.hpp"
#include "multipl_moe/reproduce/stage_record.hpp"

namespace multipl_moe::reproduce {

namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

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

/// Whether no process writes to the output: after SIGKILL of a run, its trainings still finish their step and write a
/// checkpoint.
bool is_free(const fs::path& output) {
  if (!fs::is_directory(output)) return true;
  try {
    const FolderLock lock(output);
    return true;
  } catch (const Failure&) {
    return false;
  }
}

class PlanRun {
 public:
  PlanRun(const Plan& plan, const fs::path& folder, const fs::path& program, const MachineShare& share,
          const RunListener& listener)
      : plan_(plan),
        folder_(folder),
        program_(program),
        share_(share),
        listener_(listener),
        records_(folder),
        settled_(plan.stages.size()) {}
  PlanRun(const PlanRun&) = delete;
  PlanRun& operator=(const PlanRun&) = delete;
  /// After an error of this process no stage goes on without it.
  ~PlanRun() {
    for (const Running& stage : running_) ::kill(stage.process, SIGTERM);
    for (const Running& stage : running_) ::waitpid(stage.process, nullptr, 0);
  }

  void run() {
    for (;;) {
      pass_signal_on();
      if (signal_ == 0 && !failure_) start_ready_stages();
      if (running_.empty()) break;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      take_ended_stages();
    }
    if (signal_ != 0) throw Stopped{signal_};
    if (failure_) throw StageFailed(*failure_);
  }

 private:
  struct Running {
    std::size_t index = 0;
    ::pid_t process = 0;
    std::vector<std::string> words;
    fs::path out, log;
    Clock::time_point begin;
  };

  void pass_signal_on() {
    if (signal_ != 0) return;
    signal_ = listener_.signal();
    if (signal_ == 0) return;
    for (const Running& stage : running_) ::kill(stage.process, signal_);
  }

  void start_ready_stages() {
    for (std::size_t i = 0; i < plan_.stages.size(); ++i) {
      if (running_.size() >= static_cast<std::size_t>(share_.jobs)) return;
      const Stage& stage = plan_.stages[i];
      const bool is_ready = std::all_of(stage.needs.begin(), stage.needs.end(),
                                        [&](const std::string& need) { return done_.contains(need); });
      if (settled_[i] || !is_ready) continue;
      settled_[i] = true;
      const StageRecords::State state = records_.state_of(stage, done_);
      if (state != StageRecords::State::done) start(i, state == StageRecords::State::begun);
    }
  }

  void start(std::size_t index, bool is_begun) {
    const Stage& stage = plan_.stages[index];
    for (int i = 0; i < 600 && !is_free(folder_ / stage.output) && listener_.signal() == 0; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    const bool resumes = is_begun && can_resume(stage, folder_);
    listener_.began(stage, index + 1);
    records_.begin(stage, done_);
    const fs::path log = folder_ / "logs" / (stage.id + ".log");
    create_folders(log.parent_path());
    create_folders((folder_ / stage.output).parent_path());
    std::vector<std::string> words = stage.words;
    const auto share = share_words(stage, share_.threads);
    words.insert(words.end(), share.begin(), share.end());
    if (resumes)
      words.emplace_back("--resume");
    else if (is_there(folder_ / stage.output))
      remove_folder(folder_ / stage.output);
    // What a command prints is whole under its own name, or not there.
    const fs::path out = folder_ / (stage.prints ? stage.output + ".partial" : "logs/" + stage.id + ".out");
    const auto begin = Clock::now();
    const ::pid_t process = start_stage({program_, words, folder_, out, log});
    running_.push_back({index, process, std::move(words), out, log, begin});
  }

  void take_ended_stages() {
    for (std::size_t i = 0; i < running_.size();) {
      int status = 0;
      const ::pid_t ended = ::waitpid(running_[i].process, &status, WNOHANG);
      if (ended < 0 && errno != EINTR) throw IoError("a stage's process", "wait for", errno);
      if (ended != running_[i].process) {
        ++i;
        continue;
      }
      const Running stage = std::move(running_[i]);
      running_.erase(running_.begin() + static_cast<std::ptrdiff_t>(i));
      take(stage, status);
    }
  }

  void take(const Running& running, int status) {
    const Stage& stage = plan_.stages[running.index];
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
      if (stage.prints) fs::rename(running.out, folder_ / stage.output);
      records_.finish(stage, done_);
      listener_.finished(stage, running.index + 1, std::chrono::duration<double>(Clock::now() - running.begin).count());
    } else if (signal_ == 0) {
      if (!failure_) failure_ = failure_of(running, status);
      listener_.failed(stage, running.index + 1, running_.size());
    }
  }

  StageFailed failure_of(const Running& running, int status) const {
    const std::string& id = plan_.stages[running.index].id;
    if (WIFSIGNALED(status))
      return {1, fmt::format("[reproduce] {} was ended by signal {}; --resume runs it again", id, WTERMSIG(status))};
    const int code = WEXITSTATUS(status);
    return {code, fmt::format("[reproduce] {} failed with exit code {}: multipl_moe {}\n{}\n{} has all of it; "
                              "--resume continues when the cause is gone",
                              id, code, escaped(fmt::to_string(fmt::join(running.words, " ")), 1000),
                              end_of(running.log), escaped(running.log.native()))};
  }

  const Plan& plan_;
  const fs::path &folder_, &program_;
  const MachineShare& share_;
  const RunListener& listener_;
  StageRecords records_;
  std::vector<bool> settled_;  ///< by stage: done, running or failed
  OutputHashes done_;
  std::vector<Running> running_;
  int signal_ = 0;
  std::optional<StageFailed> failure_;
};

}  // namespace

MachineShare MachineShare::of(int jobs, int cpu_threads) { return {jobs, std::max(1, cpu_threads / jobs)}; }

int usual_jobs(int cpu_threads) { return std::clamp(cpu_threads, 1, 8); }

std::vector<std::string> share_words(const Stage& stage, int threads) {
  static constexpr std::array<std::string_view, 6> with_threads{"pretrain", "train",    "upcycle",
                                                                "trace",    "evaluate", "eval"};
  const std::string& command = stage.words.front();
  const bool is_probe = command == "probe" && stage.words[1] != "random-text";
  if (!is_probe && std::find(with_threads.begin(), with_threads.end(), command) == with_threads.end()) return {};
  std::vector<std::string> words{"--threads", fmt::to_string(threads)};
  // Programs that it executes side by side, at most 128.
  if (command == "evaluate") words.insert(words.end(), {"--jobs", fmt::to_string(std::min(threads, 128))});
  return words;
}

void run_plan(const Plan& plan, const fs::path& folder, const fs::path& program, const MachineShare& share,
              const RunListener& listener) {
  for (const auto& [name, text] : plan.files) {
    create_folders((folder / name).parent_path());
    write_file_atomically(folder / name, text + "\n");
  }
  PlanRun(plan, folder, program, share, listener).run();
}

}  // namespace multipl_moe::reproduce
