#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <string>
#include <thread>

#include "../../io/scratch.hpp"
#include "../available.hpp"
#include "multipl_moe/sandbox/cgroup.hpp"
#include "multipl_moe/sandbox/proc_text.hpp"
#include "multipl_moe/sandbox/slot.hpp"
#include "support/catch.hpp"

// Every program of this folder states in its first line how it must end: "exited 1", "timeout", or "contained", which
// means that it exits with 0 after a line that says that all of its attempts have failed. Alternatives are separated by
// commas. After each program, nothing of it may be left.

namespace evil_test {

using namespace multipl_moe;
using namespace multipl_moe::sandbox;
using namespace std::chrono_literals;
namespace fs = std::filesystem;
using multipl_moe::testing::are_installed;
using multipl_moe::testing::get_bytes;
using multipl_moe::testing::names_in;
using multipl_moe::testing::open_or_skip;
using multipl_moe::testing::put_bytes;
using multipl_moe::testing::ScratchFolder;

namespace {

constexpr const char* secret = "the secret of this test";

/// A local socket outside the sandbox, which no program may reach.
class OutsideSocket {
 public:
  OutsideSocket() : socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    ::sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path + 1, name().data(), name().size());
    const auto size = static_cast<::socklen_t>(offsetof(::sockaddr_un, sun_path) + 1 + name().size());
    if (::bind(socket_.number(), reinterpret_cast<const ::sockaddr*>(&address), size) != 0 ||
        ::listen(socket_.number(), 5) != 0)
      throw std::runtime_error("cannot listen on a local socket");
    ::fcntl(socket_.number(), F_SETFL, O_NONBLOCK);
  }
  static std::string name() { return "moelayers-evil-" + std::to_string(::getpid()); }
  bool was_reached() const { return ::accept4(socket_.number(), nullptr, nullptr, SOCK_CLOEXEC) >= 0; }

 private:
  Descriptor socket_;
};

struct Resources {
  std::int64_t memory = 0, shared_memory = 0, disk = 0;
};

Resources free_resources() {
  struct ::statvfs disk {};
  REQUIRE(::statvfs(fs::temp_directory_path().c_str(), &disk) == 0);
  const std::string memory = proc_text("/proc/meminfo");
  return {1024 * number_after(memory, "MemAvailable"), 1024 * number_after(memory, "Shmem"),
          static_cast<std::int64_t>(disk.f_bavail) * static_cast<std::int64_t>(disk.f_frsize)};
}

/// Other work on the machine changes the free memory and disk, but hardly the memory that belongs to no process: files
/// in memory and shared memory, which a program could leave behind.
bool are_back(const Resources& before) {
  constexpr std::int64_t tolerance = std::int64_t{1} << 30, tolerance_of_shared = std::int64_t{48} << 20;
  for (int tries = 0; tries < 100; ++tries) {
    const Resources now = free_resources();
    if (now.memory > before.memory - tolerance && now.disk > before.disk - tolerance &&
        now.shared_memory < before.shared_memory + tolerance_of_shared)
      return true;
    std::this_thread::sleep_for(100ms);
  }
  return false;
}

/// Processes of the sandbox's user in a PID namespace below this one.
int processes_left(::uid_t user) {
  int count = 0;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    if (first_number(entry.path().filename().native()) <= 0) continue;
    const std::string status = proc_text(entry.path() / "status");
    const std::size_t at = status.find("NSpid:");
    if (at == std::string::npos || number_after(status, "Uid") != static_cast<std::int64_t>(user)) continue;
    const std::string_view line = std::string_view(status).substr(at, status.find('\n', at) - at);
    if (split(line, '\t').size() > 2) ++count;
  }
  return count;
}

/// Whether the control groups of that slot are gone.
bool has_no_group(const std::string& slot) {
  for (const GroupPlace& place : possible_places(proc_text("/proc/self/mountinfo"), proc_text("/proc/self/cgroup")))
    if (fs::exists(place.folder / slot)) return false;
  return true;
}

std::string expectation_of(const fs::path& program) {
  const std::string text = get_bytes(program);
  const std::string key = "expected: ";
  const std::size_t at = text.find(key), end = text.find('\n');
  REQUIRE(at < end);
  return text.substr(at + key.size(), end - at - key.size());
}

std::string ending_of(const Outcome& outcome) {
  switch (outcome.end) {
    case End::exited: {
      const bool says_so = outcome.out.ends_with("contained\n") && outcome.out.find("ESCAPED") == std::string::npos;
      return outcome.exit_code == 0 && says_so ? "contained" : "exited " + std::to_string(outcome.exit_code);
    }
    case End::signaled:
      return "signaled " + std::to_string(outcome.signal);
    case End::timeout:
      return "timeout";
    case End::out_of_memory:
      return "out_of_memory";
    case End::output_limit:
      return "output_limit";
  }
  return "";
}

bool is_expected(const std::string& expectation, const std::string& ending) {
  for (std::string_view each : split(expectation, ',')) {
    each.remove_prefix(std::min(each.find_first_not_of(' '), each.size()));
    if (each == ending) return true;
  }
  return false;
}

struct Steps {
  std::vector<std::vector<std::string>> commands;
  std::vector<const char*> needed;
  std::vector<std::string> environment;
};

/// How a program is run; all but the last command write to the folder.
Steps steps_for(const fs::path& program, const fs::path& outside) {
  const std::string name = program.filename(), in_box = "/box/" + name, kind = program.extension();
  if (kind == ".py") return {{{"python3", in_box, outside, OutsideSocket::name()}}, {"python3"}, {}};
  if (kind == ".rb") return {{{"ruby", in_box}}, {"ruby"}, {}};
  if (kind == ".cpp")
    return {{{"g++", "-std=c++17", "-DSECRET=\"" + outside.native() + "\"", name, "-o", "x"}, {"/box/x"}}, {"g++"}, {}};
  if (kind == ".rs") return {{{"rustc", name, "-o", "x"}, {"/box/x"}}, {"rustc"}, {}};
  if (kind == ".go")
    return {{{"go", "test", name}, {"true"}},
            {"go"},
            {"GO111MODULE=off", "GOPROXY=off", "CGO_ENABLED=0", "GOCACHE=/tmp/go"}};
  return {{{"javac", "-proc:none", "-cp", "/box", "-d", ".", "Problem.java"},
           {"java", "-Xmx64m", "-cp", "/box", "Problem"}},
          {"javac", "java"},
          {}};
}

/// One pass over the programs whose names the filter accepts.
template <class Filter>
void pass_over_the_evil_programs(const Means& means, const Filter& is_wanted) {
  if (!are_installed({"python3"})) return;
  const auto sandbox = open_or_skip(1, means);
  if (!sandbox) return;
  INFO(sandbox->description());
  // As root, the description names the user.
  const std::size_t at = sandbox->description().find("uid ");
  const auto user = at == std::string::npos
                        ? ::geteuid()
                        : static_cast<::uid_t>(first_number(std::string_view(sandbox->description()).substr(at + 4)));
  const std::string slot = "moelayers-sandbox-0-" + std::to_string(user - 61000);
  const OutsideSocket outside;
  int passed = 0;
  std::vector<fs::path> programs;
  for (const auto& entry : fs::directory_iterator(MOE_EVIL_PROGRAMS))
    if (std::isdigit(static_cast<unsigned char>(entry.path().filename().native()[0])) != 0 && is_wanted(entry.path()))
      programs.push_back(entry.path());
  std::sort(programs.begin(), programs.end());
  for (const fs::path& program : programs) {
    const ScratchFolder scratch;
    ::chmod(scratch.path().c_str(), 0711);
    const Steps steps = steps_for(program, scratch / "secret");
    if (!std::all_of(steps.needed.begin(), steps.needed.end(), [](const char* name) { return are_installed({name}); }))
      continue;
    CAPTURE(program.filename());
    put_bytes(scratch / "secret", secret);
    const bool is_java = program.extension() == ".java";
    put_bytes(scratch / "box" / (is_java ? "Problem.java" : program.filename()), get_bytes(program));
    put_bytes(scratch / "box/contained.py", get_bytes(fs::path(MOE_EVIL_PROGRAMS) / "contained.py"));
    put_bytes(scratch / "box/META-INF/services/javax.annotation.processing.Processor", "Problem\n");
    const Resources before = free_resources();
    Outcome outcome;
    for (const auto& command : steps.commands) {
      Job job;
      job.command = command;
      job.folder = scratch / "box";
      job.folder_is_writable = steps.commands.size() > 1 && &command == &steps.commands.front();
      job.environment = steps.environment;
      const std::int64_t memory = program.extension() == ".py" ? 128 : 512;
      job.limits = {.cpu_seconds = memory == 128 ? 2.0 : 4.0,
                    .wall_seconds = memory == 128 ? 3.0 : 15.0,
                    .memory_bytes = memory << 20,
                    .file_bytes = std::int64_t{16} << 20,
                    .output_bytes = std::int64_t{1} << 20,
                    .processes = memory == 128 ? 32 : 256};
      outcome = sandbox->run(job, 0);
      CHECK(processes_left(user) == 0);
      if (::geteuid() == 0) CHECK(has_no_group(slot));
      if (outcome.end != End::exited || outcome.exit_code != 0) break;
    }
    const std::string expected = expectation_of(program), ending = ending_of(outcome);
    INFO(outcome.out.substr(0, 1000));
    INFO(outcome.err.substr(0, 1000));
    CHECK((is_expected(expected, ending) ? "" : "expected " + expected + ", found " + ending) == "");
    CHECK(outcome.out.find(secret) == std::string::npos);
    CHECK(outcome.err.find(secret) == std::string::npos);
    CHECK(outcome.out.find("root:") == std::string::npos);
    CHECK(outcome.err.find("root:x:") == std::string::npos);
    CHECK_FALSE(outside.was_reached());
    CHECK(names_in(scratch.path()).size() == 2);
    CHECK(get_bytes(scratch / "secret") == secret);
    for (const char* folder : {"/", "/tmp", "/usr", "/usr/bin", "/dev/shm", "/var/tmp", "/etc"})
      CHECK_FALSE(fs::exists(fs::path(folder) / "evil_was_here"));
    CHECK_FALSE(fs::exists(scratch / "box/evil_was_here"));
    CHECK(are_back(before));
    Job honest;
    honest.command = {"python3", "-c", "print(6 * 7)"};
    honest.limits.memory_bytes = std::int64_t{128} << 20;
    CHECK(sandbox->run(honest, 0).out == "42\n");
    ++passed;
  }
  CHECK(passed >= 31);
}

bool is_any(const fs::path&) { return true; }

/// What compilers do differs little from one way of isolation to another.
bool is_python(const fs::path& program) { return program.extension() == ".py"; }

}  // namespace

TEST_CASE("the evil programs are contained", "[compilers][evil]") { pass_over_the_evil_programs({}, is_any); }

TEST_CASE("the evil programs are contained without control groups", "[compilers][evil]") {
  Means means;
  means.cgroups = false;
  pass_over_the_evil_programs(means, is_python);
}

TEST_CASE("the evil programs are contained without a user namespace", "[compilers][evil]") {
  if (::geteuid() != 0) {
    WARN("without a user namespace, only root can isolate programs, so this test was skipped");
    return;
  }
  Means means;
  means.user_namespace = false;
  pass_over_the_evil_programs(means, is_python);
}

TEST_CASE("the evil programs of a user who is not root are contained", "[.][evil-as-user]") {
  REQUIRE(::geteuid() != 0);
  pass_over_the_evil_programs({}, is_python);
}

TEST_CASE("the evil programs are contained if a user starts them", "[compilers][evil]") {
  if (::geteuid() != 0) {
    WARN("only root can become another user, and the other tests run as this user, so this test was skipped");
    return;
  }
  if (!are_installed({"setpriv"})) return;
  const ScratchFolder scratch;
  ::chmod(scratch.path().c_str(), 0777);
  const std::string as_user =
      "cd / && setpriv --reuid 61999 --regid 61999 --clear-groups --inh-caps=-all env TMPDIR='" +
      scratch.path().native() + "' ";
  const std::string self = fs::read_symlink("/proc/self/exe");
  if (std::system((as_user + "test -x '" + self + "' -a -r '" MOE_EVIL_PROGRAMS "/contained.py'").c_str()) != 0) {
    WARN("other users cannot read the folder of this test, so this test was skipped");
    return;
  }
  const std::string log = scratch / "log";
  const int status = std::system((as_user + "'" + self + "' '[evil-as-user]' >'" + log + "' 2>&1").c_str());
  INFO(get_bytes(log));
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}

}  // namespace evil_test
