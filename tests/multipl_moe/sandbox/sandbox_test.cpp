#include "multipl_moe/sandbox/sandbox.hpp"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <thread>

#include "../io/scratch.hpp"
#include "available.hpp"
#include "multipl_moe/sandbox/proc_text.hpp"
#include "multipl_moe/sandbox/slot.hpp"
#include "support/catch.hpp"

namespace sandbox_test {

using namespace multipl_moe;
using namespace multipl_moe::sandbox;
using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using multipl_moe::testing::are_installed;
using multipl_moe::testing::get_bytes;
using multipl_moe::testing::names_in;
using multipl_moe::testing::open_or_skip;
using multipl_moe::testing::put_bytes;
using multipl_moe::testing::ScratchFolder;

namespace {

Job shell(const std::string& script) {
  Job job;
  job.command = {"sh", "-c", script};
  job.limits = {.cpu_seconds = 5, .wall_seconds = 20, .memory_bytes = std::int64_t{64} << 20};
  return job;
}

/// Processes with that text in their command line. Those of bubblewrap run no program of a job.
int processes_with(const std::string& text, bool of_bubblewrap) {
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    if (first_number(entry.path().filename().native()) <= 0) continue;
    const std::string line = proc_text(entry.path() / "cmdline");
    if (line.find(text) != std::string::npos && (of_bubblewrap || !line.starts_with("/usr/bin/bwrap"))) ++count;
  }
  return count;
}

bool none_is_left(const std::string& text, bool of_bubblewrap) {
  for (int tries = 0; tries < 200; ++tries) {
    if (processes_with(text, of_bubblewrap) == 0) return true;
    std::this_thread::sleep_for(10ms);
  }
  return false;
}

std::string failure_of(const Means& means) {
  try {
    Sandbox::open(Mode::bubblewrap, 1, means);
  } catch (const Failure& error) {
    return error.what();
  }
  return "";
}

/// An executable script in `scratch`.
std::filesystem::path put_script(const ScratchFolder& scratch, const std::string& text) {
  put_bytes(scratch / "bwrap", "#!/bin/sh\n" + text);
  REQUIRE(::chmod(scratch.path().c_str(), 0755) == 0);
  REQUIRE(::chmod((scratch / "bwrap").c_str(), 0755) == 0);
  return scratch / "bwrap";
}

}  // namespace

TEST_CASE("a job has its outputs, its exit code, and what it used", "[compilers][sandbox]") {
  const auto sandbox = open_or_skip();
  if (!sandbox) return;
  CHECK_THAT(sandbox->description(), ContainsSubstring("bubblewrap "));
  const Outcome outcome = sandbox->run(shell("echo out; echo err >&2; exit 7"), 0);
  CHECK(outcome.end == End::exited);
  CHECK(outcome.exit_code == 7);
  CHECK(outcome.out == "out\n");
  CHECK(outcome.err == "err\n");
  CHECK(outcome.seconds > 0);
  CHECK(outcome.cpu_seconds > 0);
  CHECK(outcome.peak_bytes > 0);
  CHECK(outcome.peak_bytes < (std::int64_t{32} << 20));

  const Outcome killed = sandbox->run(shell("kill -SEGV $$"), 0);
  CHECK(killed.end == End::signaled);
  CHECK(killed.signal == SIGSEGV);
  CHECK_THROWS_AS(sandbox->run(shell("true"), 1), UsageError);
  CHECK_THROWS_AS(sandbox->run(shell("true"), -1), UsageError);
  Job missing = shell("");
  missing.command = {"no-such-program"};
  CHECK_THROWS_AS(sandbox->run(missing, 0), UsageError);
  missing.command = {"/box/no-such-program"};
  CHECK(sandbox->run(missing, 0).exit_code == 127);
}

TEST_CASE("a job sees its folder, its variables and nothing else", "[compilers][sandbox]") {
  const auto sandbox = open_or_skip();
  if (!sandbox) return;
  const ScratchFolder scratch;
  put_bytes(scratch / "box/file", "in the box\n");
  put_bytes(scratch / "cache/file", "in the cache\n");
  ::chmod((scratch / "cache").c_str(), 0755);
  Job job = shell("pwd; cat /box/file /opt/cache/file; ls /; env | sort; ls /proc/self/fd; id -u");
  job.folder = scratch / "box";
  job.read_only = {{scratch / "cache", "/opt/cache"}};
  job.environment = {"NAME=some value"};
  ::setenv("MOE_SECRET", "1", 1);
  const Outcome outcome = sandbox->run(job, 0);
  ::unsetenv("MOE_SECRET");
  CHECK(outcome.err.empty());
  CHECK_THAT(outcome.out, ContainsSubstring("/tmp/run\nin the box\nin the cache\n") &&
                              ContainsSubstring("HOME=/tmp\nLC_ALL=C.UTF-8\nNAME=some value\nPATH=/usr/bin:/bin\n") &&
                              ContainsSubstring("\n0\n1\n2\n3\n") && !ContainsSubstring("SECRET") &&
                              !ContainsSubstring("home") && !ContainsSubstring("\n0\n1\n2\n3\n4\n"));
}

TEST_CASE("only a writable folder can be written to, and it comes back as it was lent", "[compilers][sandbox]") {
  const auto sandbox = open_or_skip();
  if (!sandbox) return;
  const ScratchFolder scratch;
  put_bytes(scratch / "box/file", "old");
  ::chmod((scratch / "box/file").c_str(), 0600);
  Job job = shell("echo new >/box/file; echo more >/box/made");
  job.folder = scratch / "box";
  CHECK(sandbox->run(job, 0).exit_code != 0);
  CHECK(get_bytes(scratch / "box/file") == "old");
  CHECK(names_in(scratch / "box").size() == 1);
  job.folder_is_writable = true;
  job.command.back() =
      "pwd; echo new >file; mkdir deep; echo more >deep/made; chmod 4755 deep/made; mkfifo fifo; chmod 0 deep";
  CHECK(sandbox->run(job, 0).out == "/box\n");
  CHECK(get_bytes(scratch / "box/file") == "new\n");
  CHECK(get_bytes(scratch / "box/deep/made") == "more\n");
  CHECK_FALSE(std::filesystem::exists(scratch / "box/fifo"));
  struct stat status {};
  REQUIRE(::stat((scratch / "box/deep/made").c_str(), &status) == 0);
  CHECK(status.st_uid == ::geteuid());
  CHECK((status.st_mode & 07000) == 0);
}

TEST_CASE("a folder below one that only its owner may enter can be used", "[compilers][sandbox]") {
  const auto sandbox = open_or_skip();
  if (!sandbox) return;
  const ScratchFolder scratch;
  put_bytes(scratch / "private/box/file", "read\n");
  ::chmod((scratch / "private").c_str(), 0700);
  Job job = shell("cat /box/file");
  job.folder = scratch / "private/box";
  CHECK(sandbox->run(job, 0).out == "read\n");
}

TEST_CASE("each limit has its own outcome", "[compilers][sandbox]") {
  const auto sandbox = open_or_skip();
  if (!sandbox) return;
  const auto end_of = [&](const std::string& script, const auto& change) {
    Job job = shell(script);
    change(job);
    return sandbox->run(job, 0);
  };
  const Outcome cpu = end_of("while :; do :; done", [](Job& job) { job.limits.cpu_seconds = 0.3; });
  CHECK(cpu.end == End::timeout);
  CHECK(cpu.cpu_seconds >= 0.25);
  // Two processes reach the limit together.
  const Outcome both =
      end_of("(while :; do :; done) & while :; do :; done", [](Job& job) { job.limits.cpu_seconds = 0.6; });
  CHECK(both.end == End::timeout);
  const Outcome wall = end_of("sleep 100", [](Job& job) { job.limits.wall_seconds = 0.3; });
  CHECK(wall.end == End::timeout);
  CHECK(wall.seconds < 5);
  const Outcome out = end_of("yes", [](Job& job) { job.limits.output_bytes = 1000; });
  CHECK(out.end == End::output_limit);
  CHECK(out.out.size() == 1000);
  const Outcome err = end_of("head -c 5000 /dev/zero >&2", [](Job& job) { job.limits.output_bytes = 4999; });
  CHECK(err.end == End::output_limit);
  CHECK(err.err.size() == 4999);
  const Outcome whole = end_of("head -c 5000 /dev/zero", [](Job& job) { job.limits.output_bytes = 5000; });
  CHECK(whole.end == End::exited);
  CHECK(whole.out.size() == 5000);
  const Outcome file = end_of("head -c 5000 /dev/zero >/tmp/x", [](Job& job) { job.limits.file_bytes = 4000; });
  CHECK(file.end == End::signaled);
  CHECK(file.signal == SIGXFSZ);
  const Outcome memory = end_of("x=$(head -c 200000000 /dev/zero | tr '\\0' x); echo ${#x}", [](Job&) {});
  CHECK(memory.end == End::out_of_memory);
}

TEST_CASE("files beyond the limit of a writable folder end the job", "[compilers][sandbox]") {
  const auto sandbox = open_or_skip();
  if (!sandbox) return;
  const ScratchFolder scratch;
  Job job = shell("i=0; while :; do head -c 500000 /dev/zero >file$i; i=$((i+1)); sleep 0.02; done");
  job.folder = scratch.path();
  job.folder_is_writable = true;
  job.limits.file_bytes = 1 << 20;
  CHECK(sandbox->run(job, 0).end == End::output_limit);
}

TEST_CASE("nothing is left when a job ends, whoever ends it", "[compilers][sandbox]") {
  const auto sandbox = open_or_skip();
  if (!sandbox) return;
  const Outcome left = sandbox->run(shell("setsid sh -c 'trap : TERM HUP INT; sleep 4321' & exit 0"), 0);
  CHECK(left.end == End::exited);
  CHECK(processes_with("4321", true) == 0);

  Job job = shell("sleep 4322");
  std::atomic<int> asked = 0;
  job.is_cancelled = [&] { return ++asked > 3; };
  CHECK_THROWS_AS(sandbox->run(job, 0), Cancelled);
  CHECK(processes_with("4322", true) == 0);
  job.is_cancelled = []() -> bool { throw std::logic_error("test"); };
  CHECK_THROWS_AS(sandbox->run(job, 0), std::logic_error);
  CHECK(processes_with("4322", true) == 0);
}

TEST_CASE("when the program is killed, so are its jobs, at any moment", "[compilers][sandbox]") {
  auto sandbox = open_or_skip();
  if (!sandbox) return;
  for (const auto delay : {1ms, 4ms, 8ms, 12ms, 16ms, 25ms, 60ms}) {
    const ::pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      // A copy of the sandbox in a process that is killed. Nothing else of the test may run in it.
      sandbox->run(shell("sleep 4323"), 0);
      ::_exit(0);
    }
    std::this_thread::sleep_for(delay);
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    CHECK(none_is_left("4323", false));
  }
  // A process of bubblewrap whose setup was interrupted can stay, without a job, until the next run.
  sandbox.reset();
  sandbox = open_or_skip();
  CHECK(none_is_left("4323", true));
  CHECK(sandbox->run(shell("echo fine"), 0).out == "fine\n");
}

TEST_CASE("the next run removes what a run that was killed has left", "[compilers][sandbox]") {
  auto sandbox = open_or_skip();
  if (!sandbox) return;
  const ScratchFolder scratch;
  const char* before = std::getenv("TMPDIR");
  const std::string kept = before != nullptr ? before : "";
  ::setenv("TMPDIR", scratch.path().c_str(), 1);
  const std::string slot = lock_slots(1).front().name;
  put_bytes(scratch / (slot + ".AbCdEf") / "probe", "x");
  put_bytes(scratch / "moelayers-sandbox-other.AbCdEf" / "probe", "x");
  sandbox.reset();
  sandbox = open_or_skip();
  CHECK(names_in(scratch.path()) == std::vector<std::string>{"moelayers-sandbox-other.AbCdEf"});
  if (before != nullptr)
    ::setenv("TMPDIR", kept.c_str(), 1);
  else
    ::unsetenv("TMPDIR");
}

TEST_CASE("a signal from the terminal does not reach a job", "[compilers][sandbox]") {
  const auto sandbox = open_or_skip();
  if (!sandbox) return;
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const ::pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    ::setpgid(0, 0);
    ::signal(SIGINT, [](int) {});
    const Outcome outcome = sandbox->run(shell("sleep 0.4; echo done"), 0);
    const bool right = outcome.end == End::exited && outcome.out == "done\n";
    ::_exit(::write(ends[1], right ? "y" : "n", 1) == 1 ? 0 : 1);
  }
  for (int i = 0; i < 3; ++i) {
    std::this_thread::sleep_for(100ms);
    ::kill(-child, SIGINT);
  }
  char right = 0;
  CHECK(::read(ends[0], &right, 1) == 1);
  CHECK(right == 'y');
  ::waitpid(child, nullptr, 0);
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST_CASE("jobs in several slots run at the same time, and descriptors are not lost", "[compilers][sandbox]") {
  const auto sandbox = open_or_skip(3);
  if (!sandbox) return;
  const auto descriptors = [] {
    return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), std::filesystem::directory_iterator());
  };
  sandbox->run(shell("true"), 0);
  const auto before = descriptors();
  std::atomic<int> right = 0;
  std::vector<std::thread> threads;
  for (int slot = 0; slot < 3; ++slot)
    threads.emplace_back([&, slot] {
      for (int i = 0; i < 8; ++i) {
        const std::string text = std::to_string(100 * slot + i) + "\n";
        const Outcome outcome = sandbox->run(shell("cat /proc/self/stat >/dev/null; printf '" + text + "'"), slot);
        if (outcome.end == End::exited && outcome.exit_code == 0 && outcome.out == text) ++right;
      }
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(right == 24);
  CHECK(descriptors() == before);
}

TEST_CASE("a machine without a way to isolate programs is refused with the reason", "[compilers][sandbox]") {
  // Not in /tmp, which is another folder for bubblewrap if root starts it.
  const ScratchFolder scratch("/var/tmp");
  CHECK_THAT(failure_of({true, true, scratch / "bwrap"}), ContainsSubstring("apt-get install bubblewrap"));
  CHECK_THAT(failure_of({true, true, put_script(scratch, "echo bubblewrap 0.6.1\n")}),
             ContainsSubstring("bubblewrap is 0.8.0 or newer, found 0.6.1"));
  CHECK_THAT(failure_of({true, true, put_script(scratch, "echo nonsense\n")}), ContainsSubstring("found 0.0.0"));
  const std::string no_namespaces =
      failure_of({true, true,
                  put_script(scratch,
                             "case $1 in --version) echo bubblewrap 0.8.0;; --help) ;; *) echo "
                             "'bwrap: No permissions to create a new namespace' >&2; exit 1;; esac\n")});
  CHECK_THAT(no_namespaces,
             ContainsSubstring("cannot isolate programs: bubblewrap could not start a program: bwrap: No "
                               "permissions"));
  // This one starts programs, but isolates nothing.
  const std::string open =
      failure_of({true, true,
                  put_script(scratch,
                             "case $1 in --version) echo bubblewrap 0.9.0; exit;; --help) exit;; esac\n"
                             "echo '{ \"child-pid\": '$$' }' >&4\n"
                             "while [ $1 != -- ]; do shift; done; shift\n"
                             "\"$@\"; echo '{ \"exit-code\": '$?' }' >&4\n")});
  CHECK_THAT(open, ContainsSubstring("the sandbox does not hold"));
  CHECK_THROWS_AS(Sandbox::open(Mode::bubblewrap, 0), UsageError);
  CHECK_THROWS_AS(Sandbox::open(Mode::none, 129), UsageError);
}

TEST_CASE("a full folder for temporary files is an error of its own", "[compilers][sandbox]") {
  if (!are_installed({"bwrap"})) return;
  const char* before = std::getenv("TMPDIR");
  const std::string kept = before != nullptr ? before : "";
  // Nothing can be created there, as on a full disk.
  ::setenv("TMPDIR", "/proc", 1);
  CHECK_THROWS_AS(Sandbox::open(Mode::bubblewrap, 1), IoError);
  if (before != nullptr)
    ::setenv("TMPDIR", kept.c_str(), 1);
  else
    ::unsetenv("TMPDIR");
}

TEST_CASE("without isolation, limits hold and the description says what is missing", "[compilers][sandbox]") {
  const Sandbox sandbox = Sandbox::open(Mode::none, 1);
  CHECK_THAT(sandbox.description(), ContainsSubstring("none: ") && ContainsSubstring("can read and write"));
  const ScratchFolder scratch;
  put_bytes(scratch / "box/file", "in the box\n");
  Job job = shell("cat /box/file; ls; echo $PWD; exit 3");
  job.folder = scratch / "box";
  const Outcome outcome = sandbox.run(job, 0);
  CHECK(outcome.exit_code == 3);
  CHECK_THAT(outcome.out, ContainsSubstring("in the box\n/") && ContainsSubstring("moelayers-sandbox"));
  job.command.back() = "echo made >made; exit 200";
  job.folder_is_writable = true;
  CHECK(sandbox.run(job, 0).exit_code == 200);
  CHECK(get_bytes(scratch / "box/made") == "made\n");

  job = shell("sleep 4324 & kill -SEGV $$");
  const Outcome killed = sandbox.run(job, 0);
  CHECK(killed.end == End::signaled);
  CHECK(killed.signal == SIGSEGV);
  CHECK(none_is_left("4324", true));
  job = shell("sleep 4325");
  job.limits.wall_seconds = 0.2;
  CHECK(sandbox.run(job, 0).end == End::timeout);
  CHECK(none_is_left("4325", true));
  job = shell("while :; do :; done");
  job.limits.cpu_seconds = 0.2;
  CHECK(sandbox.run(job, 0).end == End::timeout);
  job = shell("yes");
  job.limits.output_bytes = 100;
  CHECK(sandbox.run(job, 0).end == End::output_limit);
  job = shell("x=$(head -c 300000000 /dev/zero | tr '\\0' x); sleep 5");
  CHECK(sandbox.run(job, 0).end == End::out_of_memory);
}

namespace {

struct Language {
  const char* name;
  std::vector<const char*> needed;
  std::string file, text;
  std::vector<std::vector<std::string>> commands;  // the last one runs the program
  std::vector<std::string> environment;
};

std::vector<Language> languages() {
  return {{"Python", {"python3"}, "a.py", "print(6 * 7)\n", {{"python3", "/box/a.py"}}, {}},
          {"C++",
           {"g++"},
           "a.cpp",
           "#include <cstdio>\nint main() { std::printf(\"%d\\n\", 6 * 7); }\n",
           {{"g++", "-std=c++17", "a.cpp", "-o", "a"}, {"/box/a"}},
           {}},
          {"Java",
           {"javac", "java"},
           "Problem.java",
           "public class Problem { public static void main(String[] a) { System.out.println(6 * 7); } }\n",
           {{"javac", "-d", ".", "Problem.java"}, {"java", "-cp", "/box", "Problem"}},
           {}},
          {"Rust",
           {"rustc"},
           "a.rs",
           "fn main() { println!(\"{}\", 6 * 7); }\n",
           {{"rustc", "a.rs", "-o", "a"}, {"/box/a"}},
           {}},
          {"Go",
           {"go"},
           "a_test.go",
           "package a\nimport (\"fmt\"; \"testing\")\nfunc TestA(t *testing.T) { fmt.Println(6 * 7) }\n",
           {{"go", "test", "a_test.go", "-v"}},
           {"GO111MODULE=off", "GOPROXY=off", "CGO_ENABLED=0", "GOCACHE=/tmp/go"}},
          {"Ruby", {"ruby"}, "a.rb", "puts 6 * 7\n", {{"ruby", "/box/a.rb"}}, {}}};
}

}  // namespace

TEST_CASE("compilers and interpreters of all six languages work in the sandbox", "[compilers][sandbox]") {
  const auto sandbox = open_or_skip();
  if (!sandbox) return;
  for (const Language& language : languages()) {
    bool installed = true;
    for (const char* program : language.needed) installed = installed && are_installed({program});
    if (!installed) continue;
    CAPTURE(language.name);
    const ScratchFolder scratch;
    put_bytes(scratch / "box" / language.file, language.text);
    Outcome outcome;
    for (const auto& command : language.commands) {
      Job job;
      job.command = command;
      job.folder = scratch / "box";
      job.folder_is_writable = &command != &language.commands.back() || language.commands.size() == 1;
      job.environment = language.environment;
      job.limits.processes = 256;
      outcome = sandbox->run(job, 0);
      CAPTURE(outcome.err);
      CHECK(outcome.end == End::exited);
      CHECK(outcome.exit_code == 0);
    }
    CHECK_THAT(outcome.out, ContainsSubstring("42\n"));
  }
}

}  // namespace sandbox_test
