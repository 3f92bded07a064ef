#include "multipl_moe/sandbox/arguments.hpp"

#include <algorithm>

#include "../io/scratch.hpp"
#include "support/catch.hpp"

namespace arguments_test {

using namespace multipl_moe;
using namespace multipl_moe::sandbox;
using Catch::Matchers::ContainsSubstring;
using multipl_moe::testing::put_bytes;
using multipl_moe::testing::ScratchFolder;

namespace {

Isolation isolation_here() {
  Isolation isolation;
  isolation.bubblewrap = "/usr/bin/bwrap";
  isolation.version = "0.8.0";
  isolation.system_binds = {"--ro-bind", "/usr", "/usr"};
  return isolation;
}

Job job_of(std::vector<std::string> command) {
  Job job;
  job.command = std::move(command);
  return job;
}

/// The arguments as one text, so that a test names neighbors.
std::string line_of(const std::vector<std::string>& words) {
  std::string line;
  for (const std::string& word : words) line += word + " ";
  return line;
}

}  // namespace

TEST_CASE("the command line closes what bubblewrap leaves open", "[sandbox]") {
  Job job = job_of({"/usr/bin/python3", "/box/a.py"});
  job.limits.memory_bytes = std::int64_t{1} << 30;
  job.limits.processes = 40;
  const auto words = bubblewrap_command(isolation_here(), job, binds_of(job), "name-of-slot", 61003);
  CHECK(words.front() == "/usr/bin/bwrap");
  const std::string line = line_of(words);
  for (const char* part :
       {"--unshare-user --disable-userns --uid 65534 --gid 65534 ", "--unshare-pid ", "--unshare-net ",
        "--unshare-ipc ", "--unshare-uts ", "--unshare-cgroup-try ", "--die-with-parent ", "--new-session ",
        "--cap-drop ALL ", "--seccomp 5 ", "--json-status-fd 4 ", "--size 1048576 --tmpfs /dev/shm --remount-ro /dev ",
        "--perms 1777 --size 536870912 --tmpfs /tmp ", "--proc /proc --ro-bind /dev/null /proc/1/mem ",
        "--remount-ro / --chdir /tmp/run -- /bin/sh ",
        " name-of-slot prlimit --nproc=41 -- /usr/bin/python3 /box/a.py "})
    CHECK_THAT(line, ContainsSubstring(part));
  CHECK_THAT(line, !ContainsSubstring("--cap-add") && !ContainsSubstring("setpriv"));
  // Nothing is mounted after the root has become read-only.
  const auto sealed = std::find(words.begin(), words.end(), "/") - words.begin();
  CHECK(std::none_of(words.begin() + sealed, words.end(), [](const std::string& word) {
    return word == "--bind" || word == "--ro-bind" || word == "--tmpfs" || word == "--dir";
  }));
}

TEST_CASE("without a user namespace, the program changes its user before it starts", "[sandbox]") {
  Isolation isolation = isolation_here();
  isolation.user_namespace = false;
  const std::string line = line_of(bubblewrap_command(isolation, job_of({"/bin/true"}), {}, "slot", 61003));
  CHECK_THAT(line, ContainsSubstring("setpriv --reuid=61003 --regid=61003 --clear-groups --inh-caps=-all "
                                     "--bounding-set=-all prlimit ") &&
                       !ContainsSubstring("--unshare-user") && !ContainsSubstring("--uid"));
}

TEST_CASE("the job's folder is writable only if it says so", "[sandbox]") {
  Job job = job_of({"/bin/true"});
  const auto line = [&] { return line_of(bubblewrap_command(isolation_here(), job, binds_of(job), "slot", 0)); };
  CHECK_THAT(line(), ContainsSubstring("--perms 0555 --dir /box "));
  job.folder = "/some/where";
  CHECK_THAT(line(), ContainsSubstring(" --ro-bind /some/where /box ") && ContainsSubstring("--chdir /tmp/run "));
  job.folder_is_writable = true;
  CHECK_THAT(line(), ContainsSubstring(" --bind /some/where /box ") && ContainsSubstring("--chdir /box "));
  job.read_only = {{"/var/cache", "/opt/deep/cache"}, {"/x.jar", "/usr/share/x.jar"}};
  CHECK_THAT(line(), ContainsSubstring("--perms 0755 --dir /opt --perms 0755 --dir /opt/deep --ro-bind "
                                       "/var/cache /opt/deep/cache --ro-bind /x.jar /usr/share/x.jar "));
}

TEST_CASE("the system's folders are bound as they are", "[sandbox]") {
  const ScratchFolder root;
  put_bytes(root / "usr/bin/x", "");
  std::filesystem::create_symlink("usr/bin", root / "bin");
  std::filesystem::create_directory(root / "lib64");
  put_bytes(root / "etc/passwd", "secret");
  put_bytes(root / "etc/java-17-openjdk/x", "");
  put_bytes(root / "etc/alternatives/cc", "");
  const std::string line = line_of(system_binds(root.path()));
  CHECK_THAT(line, ContainsSubstring(" /usr ") && ContainsSubstring("--symlink usr/bin /bin ") &&
                       ContainsSubstring("/lib64 /lib64 ") && ContainsSubstring(" /etc/java-17-openjdk ") &&
                       ContainsSubstring(" /etc/alternatives ") && !ContainsSubstring("passwd") &&
                       !ContainsSubstring("sbin"));
}

TEST_CASE("the environment holds nothing of this process's", "[sandbox]") {
  Job job = job_of({"/bin/true"});
  job.environment = {"GOPROXY=off"};
  CHECK(environment_of(job) ==
        std::vector<std::string>{"PATH=/usr/bin:/bin", "HOME=/tmp", "LC_ALL=C.UTF-8", "GOPROXY=off"});
}

TEST_CASE("without isolation, paths of the sandbox become those of the machine", "[sandbox]") {
  const std::vector<Bind> binds{{"/tmp/x", "/box"}, {"/cache", "/opt/go"}};
  CHECK(with_own_paths("/box", binds) == "/tmp/x");
  CHECK(with_own_paths("/box/a.py", binds) == "/tmp/x/a.py");
  CHECK(with_own_paths("-I/box/inc:/opt/go:/box", binds) == "-I/tmp/x/inc:/cache:/tmp/x");
  CHECK(with_own_paths("/boxes /opt/go-1 /box.py", binds) == "/boxes /opt/go-1 /box.py");
  CHECK(with_own_paths("GOCACHE=/opt/go", binds) == "GOCACHE=/cache");
  CHECK(with_own_paths("", binds).empty());
  CHECK(with_own_paths("/box", {{"/box/box", "/box"}}) == "/box/box");
}

TEST_CASE("a job that cannot be started is refused with the rule and the value", "[sandbox]") {
  const auto refusal = [](const std::function<void(Job&)>& change) -> std::string {
    Job job = job_of({"/bin/true"});
    change(job);
    try {
      require_valid(job);
    } catch (const UsageError& error) {
      return error.what();
    }
    return "";
  };
  CHECK(refusal([](Job&) {}).empty());
  CHECK_THAT(refusal([](Job& job) { job.command.clear(); }), ContainsSubstring("a job has a command"));
  CHECK_THAT(refusal([](Job& job) { job.command = {""}; }), ContainsSubstring("a job has a command"));
  CHECK_THAT(refusal([](Job& job) { job.command.emplace_back("a\0b", 3); }), ContainsSubstring("zero byte"));
  CHECK_THAT(refusal([](Job& job) { job.limits.cpu_seconds = 0; }), ContainsSubstring("got 0 s"));
  CHECK_THAT(refusal([](Job& job) { job.limits.cpu_seconds = std::nan(""); }), ContainsSubstring("got nan s"));
  CHECK_THAT(refusal([](Job& job) { job.limits.wall_seconds = -1; }), ContainsSubstring("got -1 s"));
  CHECK_THAT(refusal([](Job& job) { job.limits.memory_bytes = 1000; }), ContainsSubstring("16 MiB"));
  CHECK_THAT(refusal([](Job& job) { job.limits.file_bytes = -1; }), ContainsSubstring("-1 bytes"));
  CHECK_THAT(refusal([](Job& job) { job.limits.output_bytes = -1; }), ContainsSubstring("-1 bytes"));
  CHECK_THAT(refusal([](Job& job) { job.limits.processes = 0; }), ContainsSubstring("got 0"));
  CHECK_THAT(refusal([](Job& job) { job.folder_is_writable = true; }), ContainsSubstring("writable folder"));
  CHECK_THAT(refusal([](Job& job) { job.folder = "/does/not/exist"; }), ContainsSubstring("/does/not/exist"));
  for (const char* to : {"", "/", "relative", "/a/../b", "/a/", "//a", "/a/./b"})
    CHECK_THAT(refusal([&](Job& job) { job.read_only = {{"/usr", to}}; }), ContainsSubstring("absolute"));
  for (const char* variable : {"NAME", "=value", ""})
    CHECK_THAT(refusal([&](Job& job) { job.environment = {variable}; }), ContainsSubstring("NAME=value"));
}

}  // namespace arguments_test
