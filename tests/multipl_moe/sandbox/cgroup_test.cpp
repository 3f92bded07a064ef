#include "multipl_moe/sandbox/cgroup.hpp"

#include "../io/scratch.hpp"
#include "multipl_moe/sandbox/proc_text.hpp"
#include "support/catch.hpp"

namespace cgroup_test {

using namespace multipl_moe::sandbox;
using multipl_moe::testing::names_in;
using multipl_moe::testing::ScratchFolder;

namespace {

std::string text_of(const std::vector<GroupPlace>& places) {
  std::string text;
  for (const GroupPlace& place : places)
    text += place.folder.native() + " v" + std::to_string(place.version) + (place.memory ? " memory" : "") +
            (place.processes ? " pids" : "") + "\n";
  return text;
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
        "/sys/fs/cgroup/pids/ v1 pids\n");
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
        "/cg/memory/ v1 memory\n");
  CHECK(text_of(possible_places("31 25 0:28 /docker/0123 /with\\040space rw - cgroup2 cgroup rw\n", own)) ==
        "/with space/part v2 memory pids\n/with space v2 memory pids\n");
  CHECK(text_of(possible_places("31 25 0:28 /../.. /cg/memory rw - cgroup cgroup rw,memory\n", own)) ==
        "/cg/memory v1 memory\n");
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
