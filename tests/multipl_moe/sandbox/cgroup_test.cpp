#include "multipl_moe/sandbox/cgroup.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include <cerrno>

#include "../io/scratch.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/sandbox/proc_text.hpp"
#include "support/catch.hpp"

namespace cgroup_test {

using namespace multipl_moe::sandbox;
using multipl_moe::testing::get_bytes;
using multipl_moe::testing::names_in;
using multipl_moe::testing::put_bytes;
using multipl_moe::testing::ScratchFolder;
namespace fs = std::filesystem;

namespace {

std::string text_of(const std::vector<GroupPlace>& places) {
  std::string text;
  for (const GroupPlace& place : places)
    text += place.folder.native() + " v" + std::to_string(place.version) + (place.memory ? " memory" : "") +
            (place.processes ? " pids" : "") + "\n";
  return text;
}

/// What a kernel does in a hierarchy of version 2, in an ordinary folder: a new group has the files of the controllers
/// that the group above it has enabled, and a group with processes cannot be removed.
struct Kernel {
  static inline bool has_kill_file = true, memory_max_is_writable = true;

  static int make(const char* path, ::mode_t mode) {
    if (::mkdir(path, mode) != 0) return -1;
    const fs::path group = path;
    put_bytes(group / "cgroup.procs", "");
    put_bytes(group / "cgroup.subtree_control", "");
    if (has_kill_file) put_bytes(group / "cgroup.kill", "");
    const std::string enabled = get_bytes(group.parent_path() / "cgroup.subtree_control");
    if (enabled.find("memory") != enabled.npos) {
      for (const char* name : {"memory.swap.max", "memory.oom.group", "memory.current", "memory.peak"})
        put_bytes(group / name, "");
      put_bytes(group / "memory.events", "low 0\nhigh 0\nmax 0\noom 0\noom_kill 0\n");
      // Opening a folder for writing fails for root too.
      if (memory_max_is_writable)
        put_bytes(group / "memory.max", "");
      else
        fs::create_directory(group / "memory.max");
    }
    if (enabled.find("pids") != enabled.npos) put_bytes(group / "pids.max", "");
    return 0;
  }

  static int remove(const char* path) {
    const fs::path group = path;
    if (!fs::exists(group)) {
      errno = ENOENT;
      return -1;
    }
    const bool kills = has_kill_file && get_bytes(group / "cgroup.kill") == "1";
    const std::string processes = get_bytes(group / "cgroup.procs");
    for (const std::string_view line : split(processes, '\n')) {
      const auto process = static_cast<::pid_t>(first_number(line));
      if (process == 0) continue;  // of another namespace
      if (kills) ::kill(process, SIGKILL);
      if (::waitpid(process, nullptr, WNOHANG) == 0) {
        errno = EBUSY;
        return -1;
      }
    }
    fs::remove_all(group);
    return 0;
  }
};

/// A group of the hierarchy whose children have these controllers.
GroupPlace group_with(const fs::path& folder, const std::string& controllers) {
  put_bytes(folder / "cgroup.subtree_control", controllers);
  return {folder, 2, true, true, {Kernel::make, Kernel::remove}};
}

/// A process that waits until it is killed.
::pid_t waiting_process() {
  const ::pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0)
    for (;;) ::pause();
  return child;
}

}  // namespace

TEST_CASE("groups of version 1 are those of each controller", "[sandbox]") {
  const char* mounts =
      "25 30 0:23 / /sys/fs/cgroup ro,nosuid shared:9 - tmpfs tmpfs ro,mode=755\n"
      "31 25 0:28 / /sys/fs/cgroup/memory rw,relatime shared:15 - cgroup cgroup rw,memory\n"
      "32 25 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:16 - cgroup cgroup rw,cpu,cpuacct\n"
      "33 25 0:30 / /sys/fs/cgroup/pids rw,relatime - cgroup cgroup rw,pids\n";
  const char* own = "9:name=systemd:/\n8:pids:/\n4:memory:/user/session 1\n3:cpu,cpuacct:/\n";
  CHECK(text_of(possible_places(mounts, own)) ==
        "/sys/fs/cgroup/memory/user/session 1 v1 memory\n"
        "/sys/fs/cgroup/pids v1 pids\n");
}

TEST_CASE("groups of version 2 are this process's and its parent", "[sandbox]") {
  const char* mounts = "29 22 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";
  CHECK(text_of(possible_places(mounts, "0::/user.slice/app.scope\n")) ==
        "/sys/fs/cgroup/user.slice/app.scope v2 memory pids\n"
        "/sys/fs/cgroup/user.slice v2 memory pids\n");
  // Only version 1 groups of this process are known.
  CHECK(possible_places(mounts, "4:memory:/\n").empty());
}

TEST_CASE("a container's mount shows its own group", "[sandbox]") {
  const char* own = "4:memory:/docker/0123\n0::/docker/0123/part\n";
  CHECK(text_of(possible_places("31 25 0:28 /docker/0123 /cg/memory rw - cgroup cgroup rw,memory\n", own)) ==
        "/cg/memory v1 memory\n");
  CHECK(text_of(possible_places("31 25 0:28 /docker/0123 /with\\040space rw - cgroup2 cgroup rw\n", own)) ==
        "/with space/part v2 memory pids\n/with space v2 memory pids\n");
  CHECK(text_of(possible_places("31 25 0:28 /../.. /cg/memory rw - cgroup cgroup rw,memory\n", own)) ==
        "/cg/memory v1 memory\n");
}

TEST_CASE("a group whose name begins with that of the mount's group is another one", "[sandbox]") {
  CHECK(text_of(possible_places("31 25 0:28 /docker/01 /cg rw - cgroup cgroup rw,memory\n",
                                "4:memory:/docker/0123\n")) == "/cg v1 memory\n");
  // Outside of the namespace of groups that this process sees.
  CHECK(text_of(possible_places("31 25 0:28 / /cg rw - cgroup2 cgroup2 rw\n", "0::/../other\n")) ==
        "/cg v2 memory pids\n");
}

TEST_CASE("a group of version 2 limits what the group above has enabled", "[sandbox]") {
  const ScratchFolder scratch;
  const auto usable = [&](const std::string& controllers) {
    return text_of(usable_places({group_with(scratch / "g", controllers)}, "moelayers-trial"));
  };
  const std::string folder = (scratch / "g").native();
  // Without delegation, and with controllers that limit no memory, there is no group.
  CHECK(usable("").empty());
  CHECK(usable("cpu io\n").empty());
  CHECK(usable("cpu pids\n").empty());
  CHECK(usable("cpu memory pids\n") == folder + " v2 memory pids\n");
  CHECK(usable("memory\n") == folder + " v2 memory\n");
  Kernel::memory_max_is_writable = false;
  CHECK(usable("memory pids\n").empty());
  Kernel::memory_max_is_writable = true;
  CHECK(names_in(scratch / "g") == std::vector<std::string>{"cgroup.subtree_control"});
}

TEST_CASE("the group above is used where this process's own one cannot limit its children", "[sandbox]") {
  const ScratchFolder scratch;
  const GroupPlace above = group_with(scratch / "app", "memory pids\n"), own = group_with(scratch / "app/own", "");
  CHECK(text_of(usable_places({own, above}, "moelayers-trial")) == above.folder.native() + " v2 memory pids\n");
}

TEST_CASE("processes are limited in version 2 where memory is in version 1", "[sandbox]") {
  const ScratchFolder scratch;
  const auto make_first = [](const char* path, ::mode_t mode) {
    if (::mkdir(path, mode) != 0) return -1;
    put_bytes(fs::path(path) / "cgroup.procs", "");
    put_bytes(fs::path(path) / "memory.limit_in_bytes", "");
    return 0;
  };
  fs::create_directory(scratch / "one");
  const GroupPlace first{scratch / "one", 1, true, false, {make_first, Kernel::remove}};
  CHECK(text_of(usable_places({first, group_with(scratch / "two", "memory pids\n")}, "moelayers-trial")) ==
        first.folder.native() + " v1 memory\n" + (scratch / "two").native() + " v2 pids\n");
}

TEST_CASE("the limits of a group of version 2 are written before a process can enter", "[sandbox]") {
  const ScratchFolder scratch;
  Limits limits;
  limits.memory_bytes = 12345678;
  limits.processes = 40;
  const fs::path folder = scratch / "g/moelayers-job";
  {
    const JobGroup group({group_with(scratch / "g", "memory pids\n")}, "moelayers-job", limits);
    CHECK(get_bytes(folder / "memory.max") == "12345678");
    CHECK(get_bytes(folder / "memory.swap.max") == "0");
    CHECK(get_bytes(folder / "memory.oom.group") == "1");
    CHECK(get_bytes(folder / "pids.max") == "42");
    CHECK(group.entrances().size() == 1);
    CHECK(group.limits_memory());
    put_bytes(folder / "memory.current", "4096\n");
    put_bytes(folder / "memory.peak", "8192\n");
    CHECK(group.memory_bytes() == 4096);
    CHECK(group.peak_bytes() == 8192);
    // Before Linux 5.19 there is no peak.
    fs::remove(folder / "memory.peak");
    CHECK(group.peak_bytes() == 0);
    CHECK_FALSE(group.ran_out());
    put_bytes(folder / "memory.events", "low 0\nhigh 0\nmax 7\noom 1\noom_kill 2\noom_group_kill 1\n");
    CHECK(group.ran_out());
  }
  CHECK_FALSE(fs::exists(folder));
  Kernel::memory_max_is_writable = false;
  CHECK_THROWS_AS(JobGroup({group_with(scratch / "g", "memory pids\n")}, "moelayers-job", limits),
                  multipl_moe::IoError);
  Kernel::memory_max_is_writable = true;
  CHECK_FALSE(fs::exists(folder));
}

TEST_CASE("the processes of a group are killed with or without cgroup.kill", "[sandbox]") {
  for (const bool has_kill_file : {true, false}) {
    CAPTURE(has_kill_file);
    Kernel::has_kill_file = has_kill_file;
    const ScratchFolder scratch;
    const GroupPlace place = group_with(scratch / "g", "memory pids\n");
    const ::pid_t process = waiting_process();
    {
      const JobGroup group({place}, "moelayers-job", Limits{});
      put_bytes(scratch / "g/moelayers-job/cgroup.procs", std::to_string(process) + "\n0\n");
    }
    CHECK_FALSE(fs::exists(scratch / "g/moelayers-job"));
    CHECK(::waitpid(process, nullptr, 0) == -1);
  }
  Kernel::has_kill_file = true;
}

TEST_CASE("a real group of version 2 takes a process in and ends it", "[sandbox]") {
  std::vector<GroupPlace> places;
  for (GroupPlace place : possible_places(proc_text("/proc/self/mountinfo"), proc_text("/proc/self/cgroup")))
    if (place.version == 2) {
      // Which controllers there are does not matter here.
      place.memory = place.processes = false;
      places = {place};
      break;
    }
  const std::string name = "moelayers-cgroup-test";
  if (places.empty() || ::access(places[0].folder.c_str(), W_OK) != 0) {
    WARN("no cgroup of version 2 is writable here, so this test was skipped");
    return;
  }
  const fs::path folder = places[0].folder / name;
  const ::pid_t process = waiting_process();
  {
    const JobGroup group(places, name, Limits{});
    // A process enters by 0; this one is moved by its number.
    const std::string number = std::to_string(process);
    REQUIRE(::write(group.entrances()[0].number(), number.data(), number.size()) ==
            static_cast<::ssize_t>(number.size()));
    CHECK(get_bytes(folder / "cgroup.procs") == number + "\n");
  }
  CHECK_FALSE(fs::exists(folder));
  int status = 0;
  CHECK(::waitpid(process, &status, 0) == process);
  CHECK(WIFSIGNALED(status));
}

TEST_CASE("lines that are not mounts of groups are left out", "[sandbox]") {
  for (const char* mounts : {"", "\n\n", "31 25", "31 25 0:28 / /x rw -", "31 25 0:28 / /x rw - cgroup",
                             "31 25 0:28 / /x rw - cgroup cgroup", "- - - - - - - - - -"})
    CHECK(possible_places(mounts, "4:memory:/\n0::/\nx\n::").empty());
}

TEST_CASE("a folder that is no control group is not used, and nothing stays in it", "[sandbox]") {
  const ScratchFolder scratch;
  for (const int version : {1, 2})
    CHECK(usable_places({{scratch.path(), version, true, true}}, "moelayers-trial").empty());
  CHECK(names_in(scratch.path()).empty());
  CHECK(remove_group(scratch / "none"));
}

TEST_CASE("numbers are read behind their key only", "[sandbox]") {
  CHECK(number_after("low 1\noom 2\noom_kill 3\noom_group_kill 4\n", "oom_kill") == 3);
  CHECK(number_after("oom_kill_disable 0\nunder_oom 0\noom_kill 17\n", "oom_kill") == 17);
  CHECK(number_after("VmSwap:\t     12 kB\n", "VmSwap") == 12);
  CHECK(number_after("VmSwapped: 5\n", "VmSwap") == 0);
  CHECK(number_after("", "x") == 0);
  CHECK(first_number("  -7 x") == -7);
  CHECK(first_number("x") == 0);
  CHECK(first_number("") == 0);
  CHECK(split("a  b ", ' ') == std::vector<std::string_view>{"a", "b"});
  CHECK(split("", ' ').empty());
}

TEST_CASE("a group of this machine limits its processes and is removed", "[sandbox]") {
  const std::vector<GroupPlace> places = usable_places(
      possible_places(proc_text("/proc/self/mountinfo"), proc_text("/proc/self/cgroup")), "moelayers-cgroup-test");
  if (places.empty()) {
    WARN("no memory cgroup is writable here, so this test was skipped");
    return;
  }
  Limits limits;
  limits.memory_bytes = std::int64_t{64} << 20;
  {
    const JobGroup group(places, "moelayers-cgroup-test", limits);
    CHECK(group.limits_memory());
    CHECK(group.entrances().size() == places.size());
    CHECK_FALSE(group.ran_out());
    // A group that a killed run has left is replaced.
    const JobGroup again(places, "moelayers-cgroup-test", limits);
    CHECK(again.memory_bytes() >= 0);
  }
  for (const GroupPlace& place : places) CHECK_FALSE(std::filesystem::exists(place.folder / "moelayers-cgroup-test"));
}

}  // namespace cgroup_test
