#include "multipl_moe/io/free_memory.hpp"

#include <array>
#include <cstdlib>

#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/scratch.hpp"
#include "support/catch.hpp"

namespace free_memory_test {

using namespace multipl_moe;
using namespace multipl_moe::testing;
using Catch::Matchers::ContainsSubstring;

namespace {

/// The system files of a machine with 8000 KiB of available memory.
struct FakeSystem {
  ScratchFolder scratch;
  MemoryFiles files{scratch / "proc", scratch / "cgroups"};

  FakeSystem() { put_bytes(files.proc / "meminfo", "MemTotal: 9000 kB\nMemFree: 10 kB\nMemAvailable:    8000 kB\n"); }
  void is_in(std::string_view lines) const { put_bytes(files.proc / "self/cgroup", lines); }
  void group(const std::string& path, std::string_view limit, std::string_view taken,
             std::string_view stat = "") const {
    put_bytes(files.cgroups / path / "memory.max", limit);
    put_bytes(files.cgroups / path / "memory.current", taken);
    put_bytes(files.cgroups / path / "memory.stat", stat);
  }
  void old_group(const std::string& path, std::string_view limit, std::string_view taken,
                 std::string_view stat = "") const {
    put_bytes(files.cgroups / path / "memory.limit_in_bytes", limit);
    put_bytes(files.cgroups / path / "memory.usage_in_bytes", taken);
    put_bytes(files.cgroups / path / "memory.stat", stat);
  }
  std::optional<std::int64_t> free() const { return free_memory_bytes(files); }
};

/// Sets MOE_MEMORY_LIMIT during its lifetime.
struct Limited {
  explicit Limited(const char* limit) { ::setenv("MOE_MEMORY_LIMIT", limit, 1); }
  ~Limited() { ::unsetenv("MOE_MEMORY_LIMIT"); }
};

}  // namespace

TEST_CASE("without a limit, free memory is what the system reports as available", "[memory]") {
  const FakeSystem system;
  CHECK(system.free() == 8000 * 1024);
  system.is_in("0::/\n");
  CHECK(system.free() == 8000 * 1024);
  system.group("", "max\n", "100000\n");
  CHECK(system.free() == 8000 * 1024);
  CHECK_FALSE(free_memory_bytes({system.scratch / "nowhere", system.scratch / "nowhere"}));
}

TEST_CASE("the control group with the least free memory decides, at any level", "[memory]") {
  const FakeSystem system;
  system.is_in("0::/pod/box\n");
  system.group("pod/box", "5000000\n", "1000000\n");
  CHECK(system.free() == 4000000);
  system.group("pod", "3000000\n", "1000000\n");
  CHECK(system.free() == 2000000);
  system.group("", "90000000\n", "0\n");
  CHECK(system.free() == 2000000);
  system.group("pod/box", "max\n", "1000000\n");
  CHECK(system.free() == 2000000);
  system.group("pod", "3000000\n", "3500000\n");
  CHECK(system.free() == 0);
}

TEST_CASE("cached files of a group count as free, up to the memory that the group uses", "[memory]") {
  const FakeSystem system;
  system.is_in("0::/box\n");
  system.group("box", "5000000\n", "4000000\n",
               "anon 700000\nfile 3100000\nactive_file 2000000\ninactive_file 1000000\nslab_reclaimable 100000\n");
  CHECK(system.free() == 4100000);
  system.group("box", "5000000\n", "1000000\n", "active_file 2000000\n");
  CHECK(system.free() == 5000000);
}

TEST_CASE("control groups of version 1 count the same, also together with those of version 2", "[memory]") {
  const FakeSystem system;
  system.is_in("9:name=systemd:/\n4:cpu,memory:/pod/box\n1:cpu:/\n0::/\n");
  system.old_group("memory/pod", "6000000\n", "2000000\n", "inactive_file 1\ntotal_inactive_file 500000\n");
  CHECK(system.free() == 4500000);
  system.old_group("memory", "9223372036854771712\n", "7000000\n");
  CHECK(system.free() == 4500000);
  system.old_group("memory/pod/box", "1000000\n", "0\n");
  CHECK(system.free() == 1000000);
  // A container sees its own group at the root, under the name that the host has for it.
  const FakeSystem container;
  container.is_in("4:memory:/docker/0123abcd\n");
  container.old_group("memory", "2000000\n", "500000\n");
  CHECK(container.free() == 1500000);
}

TEST_CASE("a group outside the hierarchy that the process sees is ignored", "[memory]") {
  const FakeSystem system;
  system.is_in("0::/../../other\nno line of this file\n");
  system.group("../other", "1\n", "0\n");
  CHECK(system.free() == 8000 * 1024);
}

TEST_CASE("MOE_MEMORY_LIMIT limits the total memory of the process", "[memory]") {
  FakeSystem system;
  put_bytes(system.files.proc / "meminfo", "MemAvailable: 800000000 kB\n");
  const auto free_with = [&](const char* limit) {
    const Limited limited(limit);
    return system.free().value();
  };
  const std::int64_t gibibyte = std::int64_t{1} << 30;
  const std::int64_t free = free_with("8GiB");
  CHECK(free < 8 * gibibyte);
  CHECK(free > 8 * gibibyte - 4 * resident_bytes());
  CHECK(free_with("8G") > 8 * gibibyte - 4 * resident_bytes());
  CHECK(free_with("8 GB") < 8'000'000'000);
  CHECK(free_with("0.5TiB") > 500 * gibibyte);
  CHECK(free_with("1000B") == 0);
  CHECK(free_with("1000") == 0);
  for (const char* wrong : {"", "much", "-1", "0", "1XB", "1GiBs", "1Gbyte", "nan", "1e40"}) {
    const Limited limited(wrong);
    INFO(wrong);
    CHECK_THROWS_AS(system.free(), UsageError);
  }
}

TEST_CASE("the error lists the parts, their sum, the free memory, and a remedy if there is one", "[memory]") {
  const Limited limited("1KiB");
  const std::array parts{MemoryPart{"weights", 3 << 20}, MemoryPart{"nothing", 0}, MemoryPart{"texts", 2048}};
  CHECK(total_bytes(parts) == (3 << 20) + 2048);
  const auto refusal = [](std::span<const MemoryPart> asked) -> std::string {
    try {
      require_free_memory("eval", asked, "ask for less");
    } catch (const OutOfMemory& error) {
      CHECK(error.exit_code() == 4);
      return error.what();
    }
    return "accepted";
  };
  CHECK(refusal(parts) ==
        "[eval] memory must hold weights (3.0 MiB), texts (2 KiB), about 3.0 MiB together, found 0 KiB free; ask for "
        "less");
  const std::array fixed{MemoryPart{"weights", 3 << 20, true}};
  CHECK_THAT(refusal(fixed), ContainsSubstring("no setting of this command makes them fit"));
  CHECK_NOTHROW(require_free_memory("eval", {}, ""));
}

}  // namespace free_memory_test
