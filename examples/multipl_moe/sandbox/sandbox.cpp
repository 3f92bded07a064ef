#include "multipl_moe/sandbox/sandbox.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <optional>
#include <system_error>

#include "multipl_moe/io/file.hpp"
#include "multipl_moe/sandbox/arguments.hpp"
#include "multipl_moe/sandbox/cgroup.hpp"
#include "multipl_moe/sandbox/find_bubblewrap.hpp"
#include "multipl_moe/sandbox/launch.hpp"
#include "multipl_moe/sandbox/lent_folder.hpp"
#include "multipl_moe/sandbox/probe.hpp"
#include "multipl_moe/sandbox/proc_text.hpp"
#include "multipl_moe/sandbox/refusal.hpp"
#include "multipl_moe/sandbox/running.hpp"
#include "multipl_moe/sandbox/seccomp_filter.hpp"
#include "multipl_moe/sandbox/setup.hpp"
#include "multipl_moe/sandbox/slot.hpp"
#include "multipl_moe/sandbox/temporary_folder.hpp"
#include "multipl_moe/sandbox/user_ids.hpp"

namespace multipl_moe::sandbox {

namespace fs = std::filesystem;

namespace {

constexpr int most_slots = 128;

constexpr const char* does_not_hold = "the sandbox does not hold";

constexpr std::int64_t memory_of_probes = std::int64_t{32} << 20;

/// A file in memory with the filter, which bubblewrap reads once.
Descriptor filter_file() {
  Descriptor file(::memfd_create("filter", MFD_CLOEXEC));
  const std::vector<::sock_filter> filter = seccomp_filter(native_abi);
  const std::size_t size = filter.size() * sizeof filter[0];
  if (file.number() < 0 || ::write(file.number(), filter.data(), size) != static_cast<::ssize_t>(size) ||
      ::lseek(file.number(), 0, SEEK_SET) != 0)
    throw Failure("[sandbox] cannot store the filter of system calls: " + std::generic_category().message(errno));
  return file;
}

/// The path of a program of the system; a word with a slash stays.
std::string path_of_program(const std::string& word) {
  if (word.find('/') != word.npos) return word;
  for (const char* folder : {"/usr/bin/", "/bin/"})
    if (::access((folder + word).c_str(), X_OK) == 0) return folder + word;
  throw UsageError(
      fmt::format("[sandbox] the program {} was not found in /usr/bin and /bin; install it", escaped(word, 200)));
}

/// A limit of this process cannot be raised; one more process belongs to the sandbox.
int processes_within(::rlim_t most) {
  return static_cast<int>(std::clamp<::rlim_t>(most, 2, std::numeric_limits<int>::max()) - 1);
}

/// The processes that the kernel has killed because memory ran out, on the whole machine.
std::int64_t kernel_kills() { return number_after(proc_text("/proc/vmstat"), "oom_kill"); }

/// A message of this folder without the place that it begins with.
std::string without_place(std::string message) {
  constexpr std::string_view place = "[sandbox] ";
  if (message.starts_with(place)) message.erase(0, place.size());
  return message;
}

struct Probe {
  std::string name;
  std::vector<Attempt> attempts;
};

/// The probes, as files. The first two differ in the user ID that they must have.
struct Probes {
  Probes(const std::string& slot, ::uid_t user)
      : folder(slot),
        leave_namespace{"leave_namespace", attempts_to_leave(user_in_namespace)},
        leave_user{"leave_user", attempts_to_leave(user)},
        use_memory{"use_memory", attempt_to_use_memory(2 * memory_of_probes)} {
    for (const Probe* probe : {&leave_namespace, &leave_user, &use_memory}) {
      const fs::path path = folder.path() / probe->name;
      CheckedFile file(path);
      file.write(probe_program(probe->attempts));
      file.close();
      if (::chmod(path.c_str(), 0755) != 0) throw IoError(path, "make executable", errno);
    }
  }

  TemporaryFolder folder;
  Probe leave_namespace, leave_user, use_memory;
};

}  // namespace

class Sandbox::State {
 public:
  Mode mode = Mode::none;
  Isolation isolation;
  std::vector<SlotLock> slots;
  std::vector<GroupPlace> places;
  std::string way, description;

  Outcome run(const Job& job, int slot) const;
  /// Throws Failure unless the programs in the folder `probes` show that nothing can leave the sandbox.
  void check(const Probes& probes) const;
  std::string way_of_means() const;
  std::string users() const;
  ::uid_t user_of(const SlotLock& slot) const {
    return can_change_user() ? static_cast<::uid_t>(first_user + slot.number) : ::geteuid();
  }

 private:
  Outcome run_isolated(const Job& job, const SlotLock& slot) const;
  Outcome run_limited(const Job& job, const SlotLock& slot) const;
};

namespace {

Outcome outcome_of(const Supervision& supervision, const Ended& ended, const Ending& ending, Output& out, Output& err,
                   const Limits& limits) {
  if (supervision.was_cancelled()) throw Cancelled();
  Outcome outcome;
  outcome.end = supervision.exceeded().value_or(ending.end);
  if (!supervision.exceeded()) {
    outcome.exit_code = ending.exit_code;
    outcome.signal = ending.signal;
  }
  outcome.seconds = supervision.seconds();
  // The kernel does not add up the time of processes that are killed with their namespace.
  outcome.cpu_seconds = std::max(ended.cpu_seconds, supervision.cpu_seconds());
  outcome.peak_bytes = supervision.peak_bytes();
  if (outcome.peak_bytes == 0) outcome.peak_bytes = ended.largest_bytes;
  for (Output* output : {&out, &err})
    output->text.resize(std::min(output->text.size(), static_cast<std::size_t>(limits.output_bytes)));
  outcome.out = std::move(out.text);
  outcome.err = std::move(err.text);
  return outcome;
}

}  // namespace

Outcome Sandbox::State::run_isolated(const Job& job, const SlotLock& slot) const {
  Channel out_pipe = output_channel(), err_pipe = output_channel();
  Output out{std::move(out_pipe.ours), {}}, err{std::move(err_pipe.ours), {}};
  Setup setup(err);
  const Descriptor nothing = open_file("/dev/null", O_RDONLY), filter = filter_file();
  Launch start;
  std::vector<Bind> binds = binds_of(job);
  if (can_change_user())
    for (Bind& bind : binds) {
      start.staged.push_back(bind.from);
      bind.from = staged_path(start.staged.size() - 1);
    }
  start.command = bubblewrap_command(isolation, job, binds, slot.name, user_of(slot));
  start.environment = environment_of(job);
  start.folder = "/";
  start.descriptors = {nothing.number(), out_pipe.theirs.number(), err_pipe.theirs.number(),
                       setup.gate(),     setup.status(),           filter.number()};
  start.limits = process_limits(job.limits);
  if (can_change_user() && isolation.user_namespace) start.user = user_of(slot);

  std::optional<LentFolder> lent;
  if (can_change_user() && !job.folder.empty()) {
    if (job.folder_is_writable)
      lent.emplace(job.folder, user_of(slot));
    else
      let_all_read(job.folder);
  }
  const JobGroup group(places, slot.name, job.limits);
  for (const Descriptor& entrance : group.entrances()) start.entrances.push_back(entrance.number());

  const std::int64_t kills = kernel_kills();
  Running running(launch(start));
  out_pipe.theirs = Descriptor();
  err_pipe.theirs = Descriptor();
  setup.finish(running);
  Supervision supervision(job, group, running, out, err);
  supervision.watch();
  const Ended ended = running.wait();
  if (job.folder_is_writable) remove_special_files(job.folder);
  const int code = setup.exit_code();
  // Without a memory cgroup, the machine itself may have run out of memory, and this process is killed first.
  const bool ran_out = group.limits_memory() ? group.ran_out() : code == 128 + SIGKILL && kernel_kills() > kills;
  if (code < 0 && !ran_out && !supervision.exceeded() && !supervision.was_cancelled())
    throw Failure("[sandbox] bubblewrap was killed by another process; run the evaluation again with --resume");
  return outcome_of(supervision, ended, ending_of(code, ran_out), out, err, job.limits);
}

Outcome Sandbox::State::run_limited(const Job& job, const SlotLock& slot) const {
  std::vector<Bind> paths = binds_of(job);
  const TemporaryFolder empty(slot.name);
  Launch start;
  for (const std::string& word : job.command) start.command.push_back(with_own_paths(word, paths));
  start.environment = environment_of(job);
  for (std::string& variable : start.environment) variable = with_own_paths(variable, paths);
  start.folder = job.folder_is_writable ? job.folder : empty.path();
  Channel out_pipe = output_channel(), err_pipe = output_channel();
  Output out{std::move(out_pipe.ours), {}}, err{std::move(err_pipe.ours), {}};
  const Descriptor nothing = open_file("/dev/null", O_RDONLY);
  start.descriptors = {nothing.number(), out_pipe.theirs.number(), err_pipe.theirs.number()};
  start.limits = process_limits(job.limits);
  const JobGroup no_group;
  const std::int64_t kills = kernel_kills();
  Running running(launch(start));
  out_pipe.theirs = Descriptor();
  err_pipe.theirs = Descriptor();
  Supervision supervision(job, no_group, running, out, err);
  supervision.watch();
  const Ended ended = running.wait();
  const int code = WIFEXITED(ended.status) ? WEXITSTATUS(ended.status) : 128 + WTERMSIG(ended.status);
  Ending ending = ending_of(code, code == 128 + SIGKILL && kernel_kills() > kills);
  if (WIFEXITED(ended.status)) ending = {End::exited, code, 0};
  return outcome_of(supervision, ended, ending, out, err, job.limits);
}

Outcome Sandbox::State::run(const Job& job, int slot) const {
  require_valid(job);
  Job resolved = job;
  resolved.command.front() = path_of_program(job.command.front());
  ::rlimit processes{};
  if (::getrlimit(RLIMIT_NPROC, &processes) == 0 && processes.rlim_max != RLIM_INFINITY)
    resolved.limits.processes = std::min(job.limits.processes, processes_within(processes.rlim_max));
  const SlotLock& own = slots[static_cast<std::size_t>(slot)];
  if (mode == Mode::none) return run_limited(resolved, own);
  if (can_change_user())
    for (const Bind& bind : job.read_only) {
      struct stat status {};
      if (::stat(bind.from.c_str(), &status) == 0 && (status.st_mode & (S_ISDIR(status.st_mode) ? 0005 : 0004)) == 0)
        throw UsageError(
            fmt::format("[sandbox] programs that root starts have a user of their own, who must be able to "
                        "read {}; chmod -R a+rX",
                        escaped(bind.from.native(), 1000)));
    }
  return run_isolated(resolved, own);
}

void Sandbox::State::check(const Probes& probes) const {
  const auto run_probe = [&](const Probe& probe) {
    Job job;
    job.command = {"/box/" + probe.name};
    job.folder = probes.folder.path();
    job.limits = {.cpu_seconds = 5, .wall_seconds = 15, .memory_bytes = memory_of_probes};
    return run(job, 0);
  };
  const Probe& leave = isolation.user_namespace ? probes.leave_namespace : probes.leave_user;
  const Outcome left = run_probe(leave);
  std::string wrong = wrong_result(leave.attempts, left.out);
  if (!wrong.empty() && !left.err.empty()) wrong += fmt::format("; it wrote: {}", escaped(left.err, 300));
  if (wrong.empty() && run_probe(probes.use_memory).end != End::out_of_memory)
    wrong = fmt::format("a program in it can use more than the {} MiB that it may", memory_of_probes >> 20);
  if (!wrong.empty()) throw Failure(fmt::format("[sandbox] {}: {}", does_not_hold, wrong));
}

std::string Sandbox::State::way_of_means() const {
  std::string text = "bubblewrap " + isolation.version;
  text += isolation.user_namespace ? ", user namespace" : ", no user namespace";
  for (const GroupPlace& place : places)
    text += fmt::format(", {} cgroup v{}",
                        place.memory && place.processes ? "memory and pids"
                        : place.memory                  ? "memory"
                                                        : "pids",
                        place.version);
  if (places.empty()) text += ", memory watchdog (no writable memory cgroup)";
  return text;
}

std::string Sandbox::State::users() const {
  if (!can_change_user()) return "";
  return slots.size() == 1 ? fmt::format(", uid {}", user_of(slots.front()))
                           : fmt::format(", uid {} to {}", user_of(slots.front()), user_of(slots.back()));
}

Sandbox::Sandbox(std::shared_ptr<const State> state) : state_(std::move(state)) {}

Sandbox Sandbox::open(Mode mode, int slots, const Means& means) {
  if (slots < 1 || slots > most_slots)
    throw UsageError(fmt::format("[sandbox] the number of jobs at a time is 1 to {}, got {}", most_slots, slots));
  const auto state = std::make_shared<State>();
  state->mode = mode;
  state->slots = lock_slots(slots);
  end_leftovers(state->slots);
  if (mode == Mode::none) {
    state->way = "none: limits of time, memory and output only; programs can read and write what this user can";
    state->description = state->way;
    return Sandbox(state);
  }
  if (!abi_is_known) throw Failure("[sandbox] programs are isolated on x86-64 and arm64 only");
  state->isolation = find_bubblewrap(means.bubblewrap);
  const std::vector<GroupPlace> possible =
      possible_places(proc_text("/proc/self/mountinfo"), proc_text("/proc/self/cgroup"));
  remove_left_groups(possible, state->slots);
  // bubblewrap ends before the first process of its namespace, which then becomes a child of this process.
  if (::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0)
    throw Failure("[sandbox] cannot become a subreaper: " + std::generic_category().message(errno));

  const Probes probes(state->slots.front().name, state->user_of(state->slots.front()));
  std::vector<std::vector<GroupPlace>> groups;
  if (means.cgroups) groups.push_back(usable_places(possible, state->slots.front().name));
  if (groups.empty() || !groups.front().empty()) groups.emplace_back();
  std::vector<std::string> reasons;
  for (const bool user_namespace : {true, false}) {
    if (user_namespace ? !means.user_namespace : !can_change_user()) continue;
    state->isolation.user_namespace = user_namespace;
    for (const std::vector<GroupPlace>& places : groups) {
      state->places = places;
      try {
        state->check(probes);
        state->way = state->way_of_means();
        state->description = state->way + state->users();
        return Sandbox(state);
      } catch (const std::runtime_error& error) {
        const std::string reason = without_place(error.what());
        if (std::find(reasons.begin(), reasons.end(), reason) == reasons.end()) reasons.push_back(reason);
      }
    }
  }
  if (reasons.empty()) reasons.push_back("without a user namespace, only root can isolate programs");
  const bool starts = std::any_of(reasons.begin(), reasons.end(),
                                  [](const std::string& reason) { return reason.find(does_not_hold) != reason.npos; });
  throw Failure(fmt::format("[sandbox] this machine cannot isolate programs: {}; {}", fmt::join(reasons, "; "),
                            starts ? "run the command on another machine" : cure(kernel_settings())));
}

Outcome Sandbox::run(const Job& job, int slot) const {
  if (slot < 0 || slot >= static_cast<int>(state_->slots.size()))
    throw UsageError(fmt::format("[sandbox] the slots are 0 to {}, got {}", state_->slots.size() - 1, slot));
  return state_->run(job, slot);
}

const std::string& Sandbox::slot_name(int slot) const { return state_->slots.at(static_cast<std::size_t>(slot)).name; }

const std::string& Sandbox::way() const { return state_->way; }

const std::string& Sandbox::description() const { return state_->description; }

}  // namespace multipl_moe::sandbox
